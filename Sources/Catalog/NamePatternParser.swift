/// Reads the text of a `NamePattern` into a tree. Pure; what it does not know it refuses with what to write instead.
struct NamePatternParser {
  indirect enum Node {
    case set(ByteSet)
    case sequence([Node])
    case choice([Node])
    /// `most` is nil for any number.
    case repeated(Node, least: Int, most: Int?)
  }

  typealias Fault = NamePattern.Fault

  private static let marks = Set(#"\.[](){}|*+?^$-/"#.utf8)

  private let bytes: [UInt8]
  private var place = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  mutating func parse() throws(Fault) -> Node {
    guard !bytes.isEmpty, bytes.count <= NamePattern.maximumBytes else {
      throw Fault(message: "must have 1 to \(NamePattern.maximumBytes) characters")
    }
    guard bytes.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
      throw Fault(message: "must be plain ASCII; `.` stands for any other character")
    }
    _ = take("^")
    let node = try choice()
    _ = take("$")
    guard place == bytes.count else { throw Fault(message: "has `\(character)` where nothing can follow") }
    return node
  }

  private var character: Character { place < bytes.count ? Character(UnicodeScalar(bytes[place])) : " " }

  private func sees(_ mark: Unicode.Scalar) -> Bool { place < bytes.count && bytes[place] == UInt8(ascii: mark) }

  private mutating func take(_ mark: Unicode.Scalar) -> Bool {
    guard sees(mark) else { return false }
    place += 1
    return true
  }

  private mutating func choice() throws(Fault) -> Node {
    var nodes = [try sequence()]
    while take("|") { nodes.append(try sequence()) }
    return nodes.count == 1 ? nodes[0] : .choice(nodes)
  }

  private mutating func sequence() throws(Fault) -> Node {
    var nodes: [Node] = []
    while place < bytes.count, !sees("|"), !sees(")"), !(sees("$") && place == bytes.count - 1) {
      nodes.append(try repetition(of: try single()))
    }
    return .sequence(nodes)
  }

  private mutating func single() throws(Fault) -> Node {
    let byte = bytes[place]
    switch Unicode.Scalar(byte) {
    case "(":
      place += 1
      if take("?"), !take(":") { throw Fault(message: "has a group of a kind that is not known; write ( )") }
      let node = try choice()
      guard take(")") else { throw Fault(message: "has a ( without its )") }
      return node
    case "[": return .set(try oneOf())
    case ".":
      place += 1
      return .set(.all)
    case #"\"#: return .set(try escaped())
    case "*", "+", "?", "{": throw Fault(message: "has `\(character)` where there is nothing to repeat")
    case "]", "}", "^", "$": throw Fault(message: #"has `\#(character)` alone; write `\\#(character)` for the mark"#)
    default:
      place += 1
      return .set(ByteSet(byte...byte))
    }
  }

  private mutating func escaped() throws(Fault) -> ByteSet {
    place += 1
    guard place < bytes.count else { throw Fault(message: #"ends with `\`"#) }
    let byte = bytes[place]
    defer { place += 1 }
    switch Unicode.Scalar(byte) {
    case "d": return .digits
    case "w": return .word
    default:
      guard Self.marks.contains(byte) else {
        throw Fault(message: #"has `\\#(character)`, which is not known; there are \d, \w and \ before a mark"#)
      }
      return ByteSet(byte...byte)
    }
  }

  private mutating func oneOf() throws(Fault) -> ByteSet {
    place += 1
    let isInverted = take("^")
    var set = ByteSet()
    var isEmpty = true
    while place < bytes.count, !sees("]") {
      isEmpty = false
      if sees(#"\"#) {
        set.formUnion(try escaped())
        continue
      }
      let first = bytes[place]
      place += 1
      var last = first
      if sees("-"), place + 1 < bytes.count, bytes[place + 1] != UInt8(ascii: "]") {
        last = bytes[place + 1]
        place += 2
      }
      guard first <= last, last != UInt8(ascii: #"\"#) else { throw Fault(message: "has a range in [ ] that is none") }
      set.insert(first...last)
    }
    guard take("]"), !isEmpty else { throw Fault(message: "has a [ without its ], or an empty one") }
    return isInverted ? set.inverted : set
  }

  private mutating func repetition(of node: Node) throws(Fault) -> Node {
    if take("*") { return .repeated(node, least: 0, most: nil) }
    if take("+") { return .repeated(node, least: 1, most: nil) }
    if take("?") { return .repeated(node, least: 0, most: 1) }
    guard take("{") else { return node }
    let least = number()
    var most = least
    if take(",") { most = number() }
    guard let least, take("}"), least <= most ?? least, max(least, most ?? 0) <= 64 else {
      throw Fault(message: "has a { } that is no count; write {2}, {2,} or {2,4}, up to 64")
    }
    return .repeated(node, least: least, most: most)
  }

  private mutating func number() -> Int? {
    var digits: [UInt8] = []
    while place < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[place]), digits.count < 3 {
      digits.append(bytes[place])
      place += 1
    }
    return Int(String(decoding: digits, as: UTF8.self))
  }
}
