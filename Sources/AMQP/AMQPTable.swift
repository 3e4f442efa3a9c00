/// One value of a header or argument table. Integers of every width of the protocol are read as `int` and written as 64
/// bits, floats of both widths as `double`.
package enum AMQPField: Sendable, Hashable {
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case decimal(scale: UInt8, value: UInt32)
  case string(String)
  /// A byte array, or a string of the protocol that is not UTF-8.
  case binary([UInt8])
  /// Seconds since 1970.
  case timestamp(UInt64)
  case table(AMQPTable)
  case array([AMQPField])
  case null

  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var int: Int64? { if case .int(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var table: AMQPTable? { if case .table(let value) = self { value } else { nil } }
  package var array: [AMQPField]? { if case .array(let value) = self { value } else { nil } }
}

/// A header or argument table, in the order of the wire. Small: looked up by walking it.
package struct AMQPTable: Sendable, Hashable {
  package struct Entry: Sendable, Hashable {
    package var key: String
    package var value: AMQPField
  }

  /// Tables and arrays inside one another, the outermost included.
  package static let maximumDepth = 8
  /// Values in a table read from the wire, nested ones included: a frame of a foreign producer could hold 100,000.
  package static let maximumValues = 1024

  package var entries: [Entry] = []

  package init() {}

  package var isEmpty: Bool { entries.isEmpty }

  /// The first value of that key; setting nil removes every one.
  package subscript(key: String) -> AMQPField? {
    get { entries.first { $0.key == key }?.value }
    set {
      guard let newValue else { return entries.removeAll { $0.key == key } }
      if let index = entries.firstIndex(where: { $0.key == key }) {
        entries[index].value = newValue
      } else {
        entries.append(Entry(key: key, value: newValue))
      }
    }
  }
}

extension AMQPTable: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, AMQPField)...) {
    entries = elements.map { Entry(key: $0.0, value: $0.1) }
  }
}

extension AMQPField: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int64) { self = .int(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
}
