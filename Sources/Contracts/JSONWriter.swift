/// Writes the known message shapes straight into bytes. The caller writes structure as literals and values through
/// `string` and its kin, which escape; the reader of a golden file sees the same order of members as in the code.
package struct JSONWriter: Sendable {
  package private(set) var bytes: [UInt8] = []

  package init(capacity: Int = 512) { bytes.reserveCapacity(capacity) }

  /// JSON text that is part of the program.
  package mutating func literal(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// The name of an object's member, behind a comma where one is due. Its value follows.
  package mutating func key(_ name: StaticString) { append(name, quoted: nil) }

  /// Nil is written as `null`.
  package mutating func member(_ name: StaticString, _ text: String?) {
    guard var text else {
      key(name)
      return literal("null")
    }
    text.withUTF8 { utf8 in
      if Self.needsNoEscape(utf8) { return append(name, quoted: utf8) }
      key(name)
      quote(escaping: utf8)
    }
  }

  /// Comma, name and a text that needs no escapes in one go: most of what is written is that.
  private mutating func append(_ name: StaticString, quoted text: UnsafeBufferPointer<UInt8>?) {
    let needsComma = bytes.last.map { $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: "[") } ?? false
    let quote = UInt8(ascii: "\"")
    bytes.append(addingCapacity: name.utf8CodeUnitCount + (text?.count ?? 0) + 6) { span in
      span.withUnsafeMutableBufferPointer { free, count in
        func put(_ byte: UInt8) {
          free[count] = byte
          count += 1
        }
        func put(_ start: UnsafePointer<UInt8>?, _ length: Int) {
          guard let start, let end = free.baseAddress else { return }
          (end + count).update(from: start, count: length)
          count += length
        }
        if needsComma { put(UInt8(ascii: ",")) }
        put(quote)
        put(name.utf8Start, name.utf8CodeUnitCount)
        put(quote)
        put(UInt8(ascii: ":"))
        guard let text else { return }
        put(quote)
        put(text.baseAddress, text.count)
        put(quote)
      }
    }
  }

  /// Nil is written as `null`.
  package mutating func member(_ name: StaticString, _ time: Timestamp?) {
    key(name)
    guard let time else { return literal("null") }
    bytes.append(UInt8(ascii: "\""))
    bytes.append(time)
    bytes.append(UInt8(ascii: "\""))
  }

  package mutating func member(_ name: StaticString, _ value: Int64) {
    key(name)
    integer(value)
  }

  /// JSON text that was read strictly or written by another writer.
  package mutating func raw(_ text: some Sequence<UInt8>) { bytes.append(contentsOf: text) }

  package mutating func integer(_ value: Int64) {
    if value >= 0, value < 10 {
      bytes.append(UInt8(ascii: "0") + UInt8(value))
    } else {
      bytes.append(contentsOf: String(value).utf8)
    }
  }

  /// A string with its quotation marks, escaped.
  package mutating func string(_ text: String) {
    var text = text
    text.withUTF8 { quote(escaping: $0) }
  }

  private mutating func quote(escaping utf8: UnsafeBufferPointer<UInt8>) {
    bytes.append(UInt8(ascii: "\""))
    if Self.needsNoEscape(utf8) { bytes.append(contentsOf: utf8) } else { for byte in utf8 { escaped(byte) } }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func needsNoEscape(_ utf8: UnsafeBufferPointer<UInt8>) -> Bool {
    for byte in utf8 where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F {
      return false
    }
    return true
  }

  package mutating func string(_ text: String?) {
    if let text { string(text) } else { literal("null") }
  }

  private mutating func escaped(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(byte)
    case 0x0A: literal("\\n")
    case 0x0D: literal("\\r")
    case 0x09: literal("\\t")
    case 0..<0x20, 0x7F:
      let digits: StaticString = "0123456789abcdef"
      literal("\\u00")
      bytes.append(digits.utf8Start[Int(byte >> 4)])
      bytes.append(digits.utf8Start[Int(byte & 15)])
    default: bytes.append(byte)
    }
  }
}
