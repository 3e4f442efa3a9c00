/// The text of a card, broken into lines in the largest letters in which it fits; what is too long for the smallest ends
/// in an ellipsis. Pure. Widths are estimated, rather too large than too small, for DejaVu Sans Bold, which is as wide as
/// text faces get.
struct CardText: Sendable, Hashable {
  let lines: [String]
  /// Height of the letters in pixels, as fonts count it.
  let fontSize: Double
  let isRightToLeft: Bool

  static let mostLines = 8
  /// From one line to the next, in letters' heights.
  static let leading = 1.26

  /// - Parameters: in pixels, what the lines may take and how tall letters are at most and at least.
  init(_ text: String, width: Double, height: Double, largest: Double, smallest: Double) {
    let words = Self.shown(text).split(separator: " ")
    var size = largest
    var lines = Self.broken(words, width: width / size)
    func fits() -> Bool { lines.count <= Self.mostLines && Double(lines.count) * size * Self.leading <= height }
    while !fits(), size > smallest {
      size = max(smallest, size * 0.94)
      lines = Self.broken(words, width: width / size)
    }
    let room = min(Self.mostLines, max(1, Int(height / (size * Self.leading))))
    self.lines = lines.count <= room ? lines : Self.cut(lines, to: room, width: width / size)
    fontSize = size
    isRightToLeft = words.joined().unicodeScalars.lazy.compactMap(Self.direction).first ?? false
  }

  /// What no card could show anyway is not looked at.
  private static let mostScalars = 2000

  /// Without what cannot stand in XML, commands of text direction, and emoji, for which text faces have no picture; all
  /// blanks are one space.
  static func shown(_ text: String) -> String {
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(mostScalars) {
      let properties = scalar.properties
      if properties.isWhitespace {
        if let last = shown.last, last != " " { shown.append(" ") }
      } else if !isLeftOut(scalar, properties) {
        shown.append(scalar)
      }
    }
    if shown.last == " " { shown.removeLast() }
    return String(shown)
  }

  private static func isLeftOut(_ scalar: Unicode.Scalar, _ properties: Unicode.Scalar.Properties) -> Bool {
    switch properties.generalCategory {
    case .control, .format, .privateUse, .unassigned, .surrogate: true
    default:
      properties.isEmojiPresentation || properties.isEmojiModifier || properties.isVariationSelector
        || scalar.value == 0x20E3
    }
  }

  /// True for letters of scripts written from right to left, false for other letters, nil for what has no direction.
  private static func direction(_ scalar: Unicode.Scalar) -> Bool? {
    guard scalar.properties.isAlphabetic else { return nil }
    return switch scalar.value {
    case 0x0590...0x08FF, 0xFB1D...0xFDFF, 0xFE70...0xFEFF, 0x10800...0x10FFF, 0x1E800...0x1EFFF: true
    default: false
    }
  }

  /// - Parameter width: of a line, in letters' heights.
  private static func broken(_ words: [Substring], width: Double) -> [String] {
    var lines: [String] = []
    var line = ""
    var used = 0.0
    for word in words {
      let length = Self.width(of: word)
      let gap = line.isEmpty ? 0 : Self.width(of: " ")
      if used + gap + length <= width {
        line += line.isEmpty ? String(word) : " \(word)"
        used += gap + length
        continue
      }
      if !line.isEmpty { lines.append(line) }
      (line, used) = ("", 0)
      for character in word {
        let length = Self.width(of: character)
        if used + length > width, !line.isEmpty {
          lines.append(line)
          (line, used) = ("", 0)
        }
        line.append(character)
        used += length
      }
    }
    if !line.isEmpty { lines.append(line) }
    return lines
  }

  private static func cut(_ lines: [String], to count: Int, width: Double) -> [String] {
    var kept = Array(lines.prefix(count))
    var last = kept.removeLast()
    while !last.isEmpty, Self.width(of: last + "…") > width || last.last == " " { last.removeLast() }
    return kept + [last + "…"]
  }

  static func width(of text: some StringProtocol) -> Double { text.reduce(0) { $0 + width(of: $1) } }

  /// In letters' heights. A letter with its marks is as wide as the letter.
  private static func width(of character: Character) -> Double {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    switch scalar {
    case "'", "i", "j", "l", " ", "/", "I", "J", "\\", "|", ",", ".": return 0.4
    case ":", ";", "-", "f", "!", "(", ")", "[", "]", "t", "r", "_", "`", "\"": return 0.54
    case "w", "m", "W", "M", "%", "@", "&", "O", "Q", "…": return 1.1
    case "A"..."Z", "#", "+", "<", "=", ">", "^", "~": return 0.88
    case _ where scalar.isASCII: return 0.74
    case _ where scalar.value < 0x250: return scalar.properties.isUppercase ? 1.1 : 0.85
    case _ where scalar.value < 0x530: return scalar.properties.isUppercase ? 1.25 : 1
    default: return 1.15
    }
  }
}
