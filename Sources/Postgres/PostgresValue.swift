/// A value as a parameter or in a column. What type a parameter has, the server infers from its place in the statement.
package enum PostgresValue: Sendable, Hashable {
  case null
  /// A column of any whole type, or true and false as 1 and 0; of `numeric` too where the number is whole and fits.
  case integer(Int64)
  /// A column of any other type, as the server prints it.
  case text(String)
  case bytes([UInt8])
}

/// The rows of one statement.
package struct PostgresRows: Sendable, Equatable {
  package let columns: [String]
  package let rows: [[PostgresValue]]
}

/// The rows of one statement that was executed once for each of several lists of values, in their order.
package struct PostgresBatch: Sendable, Equatable {
  package let columns: [String]
  package let results: [[[PostgresValue]]]
}
