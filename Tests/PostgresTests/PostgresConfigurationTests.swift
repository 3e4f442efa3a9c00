import Testing

@testable import Postgres

@Suite struct PostgresConfigurationTests {
  @Test func `what the URL says reaches the library, and the rest has defaults`() throws {
    let configuration = try PostgresConfiguration(
      url: "postgresql://anna:p%40ss%2Fword@db.example:6543/ledger?sslmode=require&keepalives_idle=3")
    let options = try #require(configuration.attempts.first)
    #expect(configuration.attempts.count == 1)
    #expect(options["user"] == "anna")
    #expect(options["password"] == "p@ss/word")
    #expect(options["host"] == "db.example")
    #expect(options["port"] == "6543")
    #expect(options["dbname"] == "ledger")
    #expect(options["sslmode"] == "require")
    #expect(options["keepalives_idle"] == "3")
    #expect(options["keepalives"] == "1")
    #expect(options["application_name"] == "tollway")
    #expect(options["target_session_attrs"] == "read-write")
    #expect(options["client_encoding"] == "UTF8")
    #expect(configuration.connectTimeout == .seconds(5))
  }

  @Test func `each of several hosts is an attempt of its own`() throws {
    let configuration = try PostgresConfiguration(url: "postgres://u@one,two:7000/db?connect_timeout=2")
    #expect(configuration.attempts.map { $0["host"] } == ["one", "two"])
    #expect(configuration.attempts.map { $0["port"] } == [nil, "7000"])
    #expect(configuration.connectTimeout == .seconds(2))
    #expect(configuration.attempts.allSatisfy { $0["connect_timeout"] == nil })
    let local = try PostgresConfiguration(url: "postgres:///db?host=/run/postgresql")
    #expect(local.attempts.map { $0["host"] } == ["/run/postgresql"])
    #expect(try PostgresConfiguration(url: "postgres:///db").attempts.map { $0["host"] } == [nil])
  }

  @Test func `printing it shows neither user nor password`() throws {
    let configuration = try PostgresConfiguration(url: "postgres://anna:secret@db:6543,other/ledger?password=hidden")
    for text in [
      "\(configuration)", String(reflecting: configuration),
      "\(Mirror(reflecting: configuration).children.map(\.value))",
    ] {
      #expect(!text.contains("secret") && !text.contains("hidden") && !text.contains("anna"), "\(text)")
    }
    #expect("\(configuration)" == "postgres://db:6543,other/ledger")
  }

  @Test(arguments: [
    "", "ledger.db", "mysql://u:hunter2@h/d", "postgres://u:hunter2@h:port/d", "postgres://u:hunter2@h:0/d",
    "postgres://u:hunter2@h:70000/d", "postgres://u:hunter2@h/d?no_such_option=1", "postgres://u:hun%ter2@h/d",
    "postgres://u:pa@hunter2@h/d", "postgres://u:pa/hunter2@h/d", "postgres://u:12/hunter2@h/d",
    "postgres://u:hunter2@h/d?connect_timeout=soon", "postgres://u:hunter2@h h/d",
    "postgres://u:hunter2@h/d\0",
  ])
  func `an URL that cannot be used is refused without being repeated`(url: String) throws {
    let error = #expect(throws: PostgresError.self) { try PostgresConfiguration(url: url, key: "SOME_KEY") }
    #expect(error?.code == .configuration)
    #expect(error?.disposition == .permanent)
    #expect(error?.message.hasPrefix("SOME_KEY: ") == true)
    #expect(error?.message.contains("hunter2") == false)
  }
}
