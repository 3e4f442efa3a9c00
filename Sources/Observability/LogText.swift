/// Makes foreign text harmless in a log: what a terminal or a log viewer obeys instead of showing (control characters,
/// escape sequences, line and paragraph separators, direction marks and other invisible formatting) is written as
/// `\u{1b}`, and a text ends after 256 characters. Pure.
enum LogText {
  /// In Unicode scalars: one visible character can be built of thousands of them.
  static let limit = 256

  /// The text for a JSON string, which the writer of JSON quotes.
  static func plain(_ text: String) -> String {
    isShortAndPlain(text.utf8) { _ in true } ? text : shown(text, inQuotes: false)
  }

  /// Key or value of a `key=value` pair: bare when nothing in it can be mistaken, else in quotation marks.
  static func append(_ text: String, to line: inout [UInt8]) {
    var text = text
    let isBare = text.withUTF8 { utf8 in
      let isBare = !utf8.isEmpty && utf8.count <= limit && utf8.allSatisfy(isBareInValue)
      if isBare { line.append(contentsOf: utf8) }
      return isBare
    }
    if isBare { return }
    line.append(UInt8(ascii: "\""))
    let isWords = isShortAndPlain(text.utf8) { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    line.append(contentsOf: isWords ? text.utf8 : shown(text, inQuotes: true).utf8)
    line.append(UInt8(ascii: "\""))
  }

  private static func isBareInValue(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "="), UInt8(ascii: "\\"): false
    case 0x21..<0x7F: true
    default: false
    }
  }

  /// A message: words may stand bare, what looks like a pair is quoted so that a message cannot pose as one.
  static func message(_ text: String) -> String {
    let isBare = isShortAndPlain(text.utf8) { !"\"=\\".utf8.contains($0) }
    return isBare ? text : "\"\(shown(text, inQuotes: true))\""
  }

  private static func isShortAndPlain(_ utf8: String.UTF8View, _ allows: (UInt8) -> Bool) -> Bool {
    utf8.count <= limit && utf8.allSatisfy { (0x20..<0x7F).contains($0) && allows($0) }
  }

  private static func shown(_ text: String, inQuotes: Bool) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
      guard count < limit else {
        result += "…"
        break
      }
      count += 1
      switch scalar {
      case "\n": result += #"\n"#
      case "\r": result += #"\r"#
      case "\t": result += #"\t"#
      case "\"" where inQuotes: result += #"\""#
      case "\\" where inQuotes: result += #"\\"#
      default:
        if isObeyed(scalar) {
          result += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result
  }

  private static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
    default: scalar.properties.isDefaultIgnorableCodePoint
    }
  }
}
