/// Why the properties of a message were not taken over.
package enum AMQPHostility: String, Error, Sendable {
  case tooDeep = "header tables nested deeper than 8"
  case tooManyValues = "more than 1024 header values"
  case invalidText = "a property or header name that is not UTF-8"
  case undecodable = "properties that cannot be decoded"
}

/// Reads the encodings of AMQP 0-9-1 (section 4.2 of the specification, with RabbitMQ's field types,
/// https://www.rabbitmq.com/amqp-0-9-1-errata) from bytes somebody else wrote. Bounded in depth and in values; the
/// bytes must outlive it.
struct AMQPReader {
  private var rest: UnsafeRawBufferPointer
  private var valuesLeft = AMQPTable.maximumValues

  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func bytes(_ count: Int) throws(AMQPHostility) -> UnsafeRawBufferPointer {
    guard count <= rest.count else { throw .undecodable }
    defer { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
    return UnsafeRawBufferPointer(rebasing: rest[..<count])
  }

  mutating func integer<Number: FixedWidthInteger>(_ type: Number.Type) throws(AMQPHostility) -> Number {
    Number(bigEndian: try bytes(MemoryLayout<Number>.size).loadUnaligned(as: type))
  }

  mutating func shortString() throws(AMQPHostility) -> String {
    try text(try bytes(Int(try integer(UInt8.self))))
  }

  mutating func longBytes() throws(AMQPHostility) -> UnsafeRawBufferPointer {
    try bytes(Int(try integer(UInt32.self)))
  }

  private func text(_ bytes: UnsafeRawBufferPointer) throws(AMQPHostility) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalidText }
    return text
  }

  /// The reader stands behind the table afterwards even when its content is refused: its length comes first.
  mutating func table(depth: Int = 1) throws(AMQPHostility) -> AMQPTable {
    var inner = try nested(depth: depth)
    defer { valuesLeft = inner.valuesLeft }
    var table = AMQPTable()
    while !inner.isAtEnd {
      let key = try inner.shortString()
      table.entries.append(AMQPTable.Entry(key: key, value: try inner.field(depth: depth)))
    }
    return table
  }

  private mutating func array(depth: Int) throws(AMQPHostility) -> [AMQPField] {
    var inner = try nested(depth: depth)
    defer { valuesLeft = inner.valuesLeft }
    var fields: [AMQPField] = []
    while !inner.isAtEnd { fields.append(try inner.field(depth: depth)) }
    return fields
  }

  private mutating func nested(depth: Int) throws(AMQPHostility) -> AMQPReader {
    var inner = AMQPReader(try longBytes())
    inner.valuesLeft = valuesLeft
    guard depth <= AMQPTable.maximumDepth else { throw .tooDeep }
    return inner
  }

  private mutating func field(depth: Int) throws(AMQPHostility) -> AMQPField {
    valuesLeft -= 1
    guard valuesLeft >= 0 else { throw .tooManyValues }
    switch try integer(UInt8.self) {
    case UInt8(ascii: "t"): return .bool(try integer(UInt8.self) != 0)
    case UInt8(ascii: "b"): return .int(Int64(try integer(Int8.self)))
    case UInt8(ascii: "B"): return .int(Int64(try integer(UInt8.self)))
    case UInt8(ascii: "s"): return .int(Int64(try integer(Int16.self)))
    case UInt8(ascii: "u"): return .int(Int64(try integer(UInt16.self)))
    case UInt8(ascii: "I"): return .int(Int64(try integer(Int32.self)))
    case UInt8(ascii: "i"): return .int(Int64(try integer(UInt32.self)))
    // RabbitMQ up to 3.x reads L as signed too.
    case UInt8(ascii: "l"), UInt8(ascii: "L"): return .int(try integer(Int64.self))
    case UInt8(ascii: "f"): return .double(Double(Float(bitPattern: try integer(UInt32.self))))
    case UInt8(ascii: "d"): return .double(Double(bitPattern: try integer(UInt64.self)))
    case UInt8(ascii: "D"): return .decimal(scale: try integer(UInt8.self), value: try integer(UInt32.self))
    case UInt8(ascii: "S"): return string(try longBytes())
    case UInt8(ascii: "x"): return .binary(Array(try longBytes()))
    case UInt8(ascii: "T"): return .timestamp(try integer(UInt64.self))
    case UInt8(ascii: "F"): return .table(try table(depth: depth + 1))
    case UInt8(ascii: "A"): return .array(try array(depth: depth + 1))
    case UInt8(ascii: "V"): return .null
    default: throw .undecodable
    }
  }

  private func string(_ bytes: UnsafeRawBufferPointer) -> AMQPField {
    if let text = String(validating: bytes, as: UTF8.self) { .string(text) } else { .binary(Array(bytes)) }
  }
}
