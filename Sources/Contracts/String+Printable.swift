/// For terminals and pages, whoever wrote the text.
extension String {
  /// Without characters that control a terminal, reorder text or are not seen; U+FFFD stands in their place.
  package var printable: String {
    guard !utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return self }
    return String(
      String.UnicodeScalarView(
        unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: "\u{FFFD}"
          default: scalar
          }
        }))
  }
}
