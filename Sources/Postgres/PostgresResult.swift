import CPostgres

/// Owner of one libpq result; used on the connection's thread.
final class PostgresResult {
  private let handle: OpaquePointer

  init(_ handle: OpaquePointer) { self.handle = handle }

  deinit { PQclear(handle) }

  var status: ExecStatusType { PQresultStatus(handle) }

  /// `INSERT 0 1`, `COMMIT`.
  var tag: String { PQcmdStatus(handle).map { String(cString: $0) } ?? "" }

  /// Rows that were added, changed or removed; 0 for statements that do neither.
  var changedRows: Int { PQcmdTuples(handle).flatMap { Int(String(cString: $0)) } ?? 0 }

  var rowCount: Int { Int(PQntuples(handle)) }

  var columns: [String] {
    (0..<PQnfields(handle)).map { PQfname(handle, $0).map { String(cString: $0) } ?? "" }
  }

  var rows: [[PostgresValue]] { (0..<rowCount).map { row($0) } }

  func row(_ row: Int) -> [PostgresValue] {
    (0..<PQnfields(handle)).map { value(Int32(row), $0) }
  }

  /// What the server refused; nil if it did not.
  var error: PostgresError? {
    guard status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE else { return nil }
    guard let state = tollway_pq_sqlstate(handle), let message = tollway_pq_primary_message(handle) else {
      // Of the library's own making: what it read was the end of the connection or no answer.
      return PostgresError(.connectionLost, "the connection to postgres was lost")
    }
    return PostgresError(sqlState: String(cString: state), message: String(cString: message))
  }

  private func value(_ row: Int32, _ column: Int32) -> PostgresValue {
    guard PQgetisnull(handle, row, column) == 0, let start = PQgetvalue(handle, row, column) else { return .null }
    let bytes = UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(handle, row, column)))
    switch PQftype(handle, column) {
    case Self.int2, Self.int4, Self.int8, Self.numeric:
      let text = String(decoding: bytes, as: UTF8.self)
      return Int64(text).map { .integer($0) } ?? .text(text)
    case Self.bool: return .integer(bytes.first == UInt8(ascii: "t") ? 1 : 0)
    case Self.bytea: return .bytes(Self.bytes(hexadecimal: bytes))
    default: return .text(String(decoding: bytes, as: UTF8.self))
    }
  }

  /// `\x`, then two digits for each byte: the connection asks for this form.
  private static func bytes(hexadecimal text: UnsafeRawBufferPointer) -> [UInt8] {
    func digit(_ character: UInt8) -> UInt8 {
      character <= UInt8(ascii: "9") ? character &- UInt8(ascii: "0") : (character | 0x20) &- UInt8(ascii: "a") &+ 10
    }
    return stride(from: 2, to: text.count - 1, by: 2).map { digit(text[$0]) << 4 | digit(text[$0 + 1]) }
  }

  // The numbers of the server's built-in types, in its catalog pg_type and the same everywhere.
  private static let bool: Oid = 16
  private static let bytea: Oid = 17
  private static let int8: Oid = 20
  private static let int2: Oid = 21
  private static let int4: Oid = 23
  private static let numeric: Oid = 1700
}
