/// Why a text was refused. The description is safe to log and to send: it never quotes the text.
package struct JSONFault: Error, Sendable, Equatable, CustomStringConvertible {
  package var reason: String
  /// Offset in bytes where reading stopped.
  package var offset: Int

  package var description: String { "\(reason) at byte \(offset)" }
}

/// Reads JSON strictly. Beyond the grammar it refuses: depth over 32, more than 100,000 values, invalid UTF-8, lone
/// surrogates, duplicate member names, numbers that overflow a double, a byte order mark, bytes after the value.
/// Foundation's decoder accepts several of these (duplicate names, depth 512) and costs ten times as much per job.
package struct JSONParser {
  package static let maximumDepth = 32
  package static let maximumValues = 100_000

  private let bytes: [UInt8]
  private var nodes: [JSONDocument.Node] = []
  private var position = 0
  private var sawNonASCII = false

  package static func parse(_ bytes: [UInt8]) throws(JSONFault) -> JSONDocument {
    guard bytes.count < Int(Int32.max) else { throw JSONFault(reason: "text too long", offset: 0) }
    var parser = JSONParser(bytes: bytes)
    parser.nodes.reserveCapacity(32)
    parser.skipSpace()
    try parser.value(depth: 1)
    parser.skipSpace()
    guard parser.position == bytes.count else { throw parser.fault("bytes after the value") }
    if parser.sawNonASCII, String(validating: bytes, as: UTF8.self) == nil {
      throw JSONFault(reason: "invalid UTF-8", offset: 0)
    }
    return JSONDocument(bytes: bytes, nodes: parser.nodes)
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func fault(_ reason: String) -> JSONFault { JSONFault(reason: reason, offset: position) }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private mutating func open(_ kind: JSONDocument.Node.Kind, start: Int) throws(JSONFault) -> Int {
    guard nodes.count < Self.maximumValues else { throw fault("more than \(Self.maximumValues) values") }
    nodes.append(.init(kind: kind, hasEscape: false, start: Int32(start), end: 0, next: 0))
    return nodes.count - 1
  }

  private mutating func close(_ index: Int, end: Int) {
    nodes[index].end = Int32(end)
    nodes[index].next = Int32(nodes.count)
  }

  private mutating func value(depth: Int) throws(JSONFault) {
    guard let byte = current else { throw fault("text ends too early") }
    switch byte {
    case UInt8(ascii: "{"): try object(depth: depth)
    case UInt8(ascii: "["): try array(depth: depth)
    case UInt8(ascii: "\""): try string()
    case UInt8(ascii: "t"): try literal("true", .true)
    case UInt8(ascii: "f"): try literal("false", .false)
    case UInt8(ascii: "n"): try literal("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
    default: throw fault("unexpected character")
    }
  }

  private mutating func object(depth: Int) throws(JSONFault) {
    guard depth <= Self.maximumDepth else { throw fault("nested deeper than \(Self.maximumDepth)") }
    let node = try open(.object, start: position)
    position += 1
    skipSpace()
    if current == UInt8(ascii: "}") {
      position += 1
    } else {
      while true {
        guard current == UInt8(ascii: "\"") else { throw fault("member name expected") }
        try string()
        skipSpace()
        guard current == UInt8(ascii: ":") else { throw fault("colon expected") }
        position += 1
        skipSpace()
        try value(depth: depth + 1)
        skipSpace()
        guard let separator = current else { throw fault("text ends too early") }
        position += 1
        if separator == UInt8(ascii: "}") { break }
        guard separator == UInt8(ascii: ",") else { throw fault("comma expected") }
        skipSpace()
      }
    }
    close(node, end: position)
    try refuseDuplicateNames(in: node)
  }

  private mutating func array(depth: Int) throws(JSONFault) {
    guard depth <= Self.maximumDepth else { throw fault("nested deeper than \(Self.maximumDepth)") }
    let node = try open(.array, start: position)
    position += 1
    skipSpace()
    if current == UInt8(ascii: "]") {
      position += 1
    } else {
      while true {
        try value(depth: depth + 1)
        skipSpace()
        guard let separator = current else { throw fault("text ends too early") }
        position += 1
        if separator == UInt8(ascii: "]") { break }
        guard separator == UInt8(ascii: ",") else { throw fault("comma expected") }
        skipSpace()
      }
    }
    close(node, end: position)
  }

  private mutating func literal(_ text: StaticString, _ kind: JSONDocument.Node.Kind) throws(JSONFault) {
    let count = text.utf8CodeUnitCount
    let expected = UnsafeBufferPointer(start: text.utf8Start, count: count)
    guard position + count <= bytes.count, bytes[position..<position + count].elementsEqual(expected) else {
      throw fault("unexpected character")
    }
    let node = try open(kind, start: position)
    position += count
    close(node, end: position)
  }

  private mutating func number() throws(JSONFault) {
    let start = position
    let node = try open(.number, start: start)
    if current == UInt8(ascii: "-") { position += 1 }
    let whole = skipDigits()
    guard whole > 0 else { throw fault("digit expected") }
    if whole > 1, bytes[position - whole] == UInt8(ascii: "0") { throw fault("number with a leading zero") }
    var isPlain = whole < 300
    if current == UInt8(ascii: ".") {
      position += 1
      guard skipDigits() > 0 else { throw fault("digit expected") }
    }
    if let exponent = current, exponent == UInt8(ascii: "e") || exponent == UInt8(ascii: "E") {
      isPlain = false
      position += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
      guard skipDigits() > 0 else { throw fault("digit expected") }
    }
    if !isPlain {
      let text = String(decoding: bytes[start..<position], as: UTF8.self)
      guard let value = Double(text), value.isFinite else { throw fault("number out of range") }
    }
    close(node, end: position)
  }

  private mutating func skipDigits() -> Int {
    let start = position
    while position < bytes.count, bytes[position] &- UInt8(ascii: "0") < 10 { position += 1 }
    return position - start
  }

  private mutating func string() throws(JSONFault) {
    position += 1
    let node = try open(.string, start: position)
    var hasEscape = false
    while true {
      guard position < bytes.count else { throw fault("text ends too early") }
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") { break }
      if byte < 0x20 { throw fault("control character in a string") }
      if byte >= 0x80 { sawNonASCII = true }
      if byte == UInt8(ascii: "\\") {
        hasEscape = true
        try escape()
      } else {
        position += 1
      }
    }
    nodes[node].hasEscape = hasEscape
    close(node, end: position)
    position += 1
  }

  private mutating func escape() throws(JSONFault) {
    position += 1
    switch current {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      position += 1
    case UInt8(ascii: "u"):
      position += 1
      let unit = try hexUnit()
      if (0xDC00...0xDFFF).contains(unit) { throw fault("lone surrogate") }
      guard (0xD800...0xDBFF).contains(unit) else { return }
      guard current == UInt8(ascii: "\\"), position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "u") else {
        throw fault("lone surrogate")
      }
      position += 2
      guard (0xDC00...0xDFFF).contains(try hexUnit()) else { throw fault("lone surrogate") }
    default: throw fault("unknown escape")
    }
  }

  private mutating func hexUnit() throws(JSONFault) -> UInt32 {
    guard position + 4 <= bytes.count else { throw fault("text ends too early") }
    var value: UInt32 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Self.hexDigit(byte) else { throw fault("hexadecimal digit expected") }
      value = value << 4 | digit
    }
    position += 4
    return value
  }

  static func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  /// Few names are compared pair by pair, which allocates nothing; many, or escaped ones, through a set of decoded
  /// strings.
  private func refuseDuplicateNames(in object: Int) throws(JSONFault) {
    var count = 0
    var hasEscape = false
    var name = object + 1
    while name < nodes.count {
      count += 1
      hasEscape = hasEscape || nodes[name].hasEscape
      name = nameBehind(name)
    }
    if count > 16 || hasEscape { return try refuseDuplicates(amongManyNamesOf: object) }
    name = object + 1
    while name < nodes.count {
      let length = nodes[name].end - nodes[name].start
      var other = object + 1
      while other < name {
        if nodes[other].end - nodes[other].start == length, text(of: other).elementsEqual(text(of: name)) {
          throw fault("duplicate member name")
        }
        other = nameBehind(other)
      }
      name = nameBehind(name)
    }
  }

  private func refuseDuplicates(amongManyNamesOf object: Int) throws(JSONFault) {
    var seen: Set<[UInt8]> = []
    var name = object + 1
    while name < nodes.count {
      let text = text(of: name)
      let decoded = nodes[name].hasEscape ? Array(Self.unescaped(text).utf8) : Array(text)
      guard seen.insert(decoded).inserted else { throw fault("duplicate member name") }
      name = nameBehind(name)
    }
  }

  /// The next member's name: behind a name stands its value, which knows what follows it.
  private func nameBehind(_ name: Int) -> Int { Int(nodes[name + 1].next) }

  private func text(of node: Int) -> ArraySlice<UInt8> { bytes[Int(nodes[node].start)..<Int(nodes[node].end)] }
}
