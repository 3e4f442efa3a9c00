/// One open transaction, used on the connection's thread and only inside the call that handed it out. `?` stands for
/// each value. After an error of the server the transaction can only end: every further statement is refused.
package struct PostgresSession {
  let link: PostgresLink

  package func rows(_ sql: String, _ values: [PostgresValue] = []) throws(PostgresError) -> PostgresRows {
    let result = try link.query(sql, values)
    return PostgresRows(columns: result.columns, rows: result.rows)
  }

  /// How many rows it added, changed or removed.
  @discardableResult
  package func execute(_ sql: String, _ values: [PostgresValue] = []) throws(PostgresError) -> Int {
    try link.query(sql, values).changedRows
  }

  /// The same statement once for each list of values, in order and without waiting in between.
  package func each(_ sql: String, _ lists: [[PostgresValue]]) throws(PostgresError) -> PostgresBatch {
    try link.each(sql, lists)
  }

  /// Row by row, of a result of any size; the body gets the names of the columns and one row. What it throws ends the
  /// scan. It must not ask for other statements.
  package func scan(
    _ sql: String, _ values: [PostgresValue], _ body: (_ columns: [String], _ row: [PostgresValue]) throws -> Void
  ) throws {
    try link.scan(sql, values, body)
  }

  /// Any number of statements without values, `?` included as it stands.
  package func run(script: String) throws(PostgresError) { try link.run(script: script) }
}
