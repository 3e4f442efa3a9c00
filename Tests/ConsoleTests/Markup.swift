/// Reads a page as a stack of tags.
enum Markup {
  private static let void: Set<String> = ["meta", "link", "input", "br", "rect", "path", "line"]

  /// Where a tag is closed that is not open, or left open; nil for a page without such a fault.
  static func fault(in html: String) -> String? {
    var open: [String] = []
    for piece in html.split(separator: "<").dropFirst() {
      guard let end = piece.firstIndex(of: ">") else { return "an open < before \(piece.prefix(40))" }
      let tag = piece[..<end]
      if tag.hasPrefix("!") { continue }
      let name = String(tag.drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber })
      if tag.hasPrefix("/") {
        guard open.popLast() == name else { return "</\(name)> closes what is not open: \(open.suffix(3))" }
      } else if !void.contains(name), !tag.hasSuffix("/") {
        open.append(name)
      }
    }
    return open.isEmpty ? nil : "not closed: \(open)"
  }
}
