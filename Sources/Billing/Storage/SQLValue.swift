import Contracts

/// A value in a column of either database.
enum SQLValue: Sendable, Hashable {
  case null
  case integer(Int64)
  case text(String)
  case bytes([UInt8])

  init(_ text: String?) { self = text.map { .text($0) } ?? .null }
  init(_ integer: Int) { self = .integer(Int64(integer)) }
  init(_ money: Money) { self = .integer(money.nanoUSD) }
  init(_ time: Timestamp) { self = .text(time.description) }
}

/// One row of a result. A column that is not there, or is of another kind than asked for, means that the tables are not
/// ours any more.
struct SQLRow: Sendable {
  let places: [String: Int]
  let values: [SQLValue]

  /// - Parameter places: where each column stands; shared by all rows of a result.
  init(places: [String: Int], values: [SQLValue]) {
    self.places = places
    self.values = values
  }

  subscript(column: String) -> SQLValue? { places[column].map { values[$0] } }

  func text(_ column: String) throws(LedgerError) -> String {
    guard case .text(let text) = self[column] else { throw Self.foreign(column) }
    return text
  }

  func integer(_ column: String) throws(LedgerError) -> Int64 {
    guard case .integer(let integer) = self[column] else { throw Self.foreign(column) }
    return integer
  }

  func bytes(_ column: String) throws(LedgerError) -> [UInt8] {
    guard case .bytes(let bytes) = self[column] else { throw Self.foreign(column) }
    return bytes
  }

  func optionalText(_ column: String) throws(LedgerError) -> String? {
    self[column] == .null ? nil : try text(column)
  }

  func int(_ column: String) throws(LedgerError) -> Int { Int(try integer(column)) }

  func optionalInt(_ column: String) throws(LedgerError) -> Int? {
    self[column] == .null ? nil : try int(column)
  }

  func time(_ column: String) throws(LedgerError) -> Timestamp {
    guard let time = Timestamp(try text(column)) else { throw LedgerError(.corrupt, "\(column) is not a time") }
    return time
  }

  func optionalTime(_ column: String) throws(LedgerError) -> Timestamp? {
    self[column] == .null ? nil : try time(column)
  }

  func money(_ column: String) throws(LedgerError) -> Money { Money(nanoUSD: try integer(column)) }

  private static func foreign(_ column: String) -> LedgerError {
    LedgerError(.corrupt, "column \(column) is missing or of another kind")
  }
}
