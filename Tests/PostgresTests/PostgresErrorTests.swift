import Testing

@testable import Postgres

@Suite struct PostgresErrorTests {
  @Test(arguments: [
    ("40001", PostgresError.Code.busy, PostgresError.Disposition.retry), ("40P01", .busy, .retry),
    ("55P03", .busy, .retry), ("53300", .busy, .retry), ("53200", .busy, .retry), ("53100", .diskFull, .retry),
    ("57014", .interrupted, .retry), ("58030", .interrupted, .retry), ("57P01", .connectionLost, .reconnect),
    ("57P03", .connectionLost, .reconnect), ("08006", .connectionLost, .reconnect),
    ("25006", .connectionLost, .reconnect), ("26000", .connectionLost, .reconnect),
    ("28P01", .configuration, .permanent), ("28000", .configuration, .permanent),
    ("3D000", .configuration, .permanent), ("XX001", .corrupt, .permanent), ("23505", .server, .permanent),
    ("42601", .server, .permanent), ("P0001", .server, .permanent),
  ])
  func `the server's SQLSTATE decides what can be done`(
    state: String, code: PostgresError.Code, disposition: PostgresError.Disposition
  ) {
    let error = PostgresError(sqlState: state, message: "text")
    #expect(error.code == code)
    #expect(error.disposition == disposition)
    #expect(error.sqlState == state)
    #expect("\(error)".contains(state))
  }

  @Test func `a data exception loses the value that it quotes`() {
    let text = "invalid input syntax for type bigint: \"a \"quoted\" secret\""
    #expect(PostgresError(sqlState: "22P02", message: text).message.hasSuffix("type bigint: \"...\""))
    #expect(PostgresError(sqlState: "22021", message: "one \"mark").message == "postgres: one \"...\"")
    let constraint = "duplicate key value violates unique constraint \"usage_cost_event_id_key\""
    #expect(PostgresError(sqlState: "23505", message: constraint).message.hasSuffix("\"usage_cost_event_id_key\""))
  }

  @Test(arguments: [
    ("FATAL:  28P01", PostgresError.Code.configuration, "28P01"), ("FATAL:  3D000", .configuration, "3D000"),
    ("FATAL:  57P03", .unreachable, "57P03"), ("FATAL:  53300", .busy, "53300"), ("FATAL:  XX000", .server, "XX000"),
  ])
  func `a refused login tells its SQLSTATE and nothing of the URL`(
    said: String, code: PostgresError.Code, state: String
  ) {
    let text = "connection to server at \"secret\" (10.0.0.1), port 5432 failed: \(said)\n"
    let error = PostgresError(connecting: text, needsPassword: false)
    #expect(error.code == code)
    #expect(error.sqlState == state)
    #expect(!error.message.contains("secret"))
  }

  @Test func `what the system says is kept, without the host's name`() {
    let refused = PostgresError(
      connecting: """
        connection to server at "secret" (::1), port 1 failed: No route to host
        connection to server at "secret" (127.0.0.1), port 1 failed: Connection refused
        \tIs the server running on that host and accepting TCP/IP connections?

        """, needsPassword: false)
    #expect(refused.message == "postgres cannot be reached: Connection refused")
    #expect(refused.disposition == .reconnect)
    let name = PostgresError(
      connecting: "could not translate host name \"secret\" to address: Name or service not known\n",
      needsPassword: false)
    #expect(name.message.contains("Name or service not known") && !name.message.contains("secret"))
    let bare = PostgresError(connecting: "fe_sendauth: no password supplied\n", needsPassword: true)
    #expect(bare.code == .configuration)
    #expect(PostgresError(connecting: "", needsPassword: false).code == .unreachable)
  }
}
