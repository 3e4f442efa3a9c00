/// Appends the encodings of AMQP 0-9-1 to a byte buffer, the counterpart of `AMQPReader`.
struct AMQPWriter {
  var bytes: [UInt8] = []
  /// Set when something was written that AMQP cannot express (a name over 255 bytes); the caller then cuts the buffer
  /// back to where it began.
  private(set) var overflowed = false

  /// Cuts the buffer back to `count` bytes and forgets the overflow.
  mutating func rewind(to count: Int) {
    bytes.removeSubrange(count...)
    overflowed = false
  }

  mutating func integer(_ number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func shortString(_ text: String) {
    let count = text.utf8.count
    guard count <= 255 else {
      overflowed = true
      return
    }
    bytes.append(UInt8(count))
    raw(text)
  }

  mutating func longString(_ text: String) {
    integer(UInt32(text.utf8.count))
    raw(text)
  }

  /// Appending `utf8` itself goes byte by byte; its storage goes in one copy.
  private mutating func raw(_ text: String) {
    if text.utf8.withContiguousStorageIfAvailable({ bytes.append(contentsOf: $0) }) == nil {
      bytes.append(contentsOf: text.utf8)
    }
  }

  /// A 32-bit length in front of whatever `content` writes.
  mutating func measured(_ content: (inout AMQPWriter) -> Void) {
    let start = bytes.count
    integer(UInt32(0))
    content(&self)
    patch(UInt32(bytes.count - start - 4), at: start)
  }

  mutating func patch(_ number: some FixedWidthInteger, at offset: Int) {
    withUnsafeBytes(of: number.bigEndian) { source in
      for (index, byte) in source.enumerated() { bytes[offset + index] = byte }
    }
  }

  mutating func table(_ table: AMQPTable) {
    measured { writer in
      for entry in table.entries {
        writer.shortString(entry.key)
        writer.field(entry.value)
      }
    }
  }

  private mutating func field(_ field: AMQPField) {
    switch field {
    case .bool(let value):
      tag("t")
      bytes.append(value ? 1 : 0)
    case .int(let value):
      tag("l")
      integer(value)
    case .double(let value):
      tag("d")
      integer(value.bitPattern)
    case .decimal(let scale, let value):
      tag("D")
      bytes.append(scale)
      integer(value)
    case .string(let value):
      tag("S")
      longString(value)
    case .binary(let value):
      tag("x")
      integer(UInt32(value.count))
      bytes.append(contentsOf: value)
    case .timestamp(let value):
      tag("T")
      integer(value)
    case .table(let value):
      tag("F")
      table(value)
    case .array(let values):
      tag("A")
      measured { writer in for value in values { writer.field(value) } }
    case .null: tag("V")
    }
  }

  private mutating func tag(_ letter: Unicode.Scalar) { bytes.append(UInt8(ascii: letter)) }
}
