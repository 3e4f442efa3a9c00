import Testing

@testable import Redis

@Suite struct RedisErrorTests {
  @Test(arguments: [
    ("LOADING Redis is loading the dataset in memory", "LOADING", RedisError.Disposition.retry),
    ("CLUSTERDOWN The cluster is down", "CLUSTERDOWN", .retry),
    ("OOM command not allowed when used memory > 'maxmemory'.", "OOM", .retry),
    ("BUSY Redis is busy running a script.", "BUSY", .retry),
    ("NOSCRIPT No matching script. Please use EVAL.", "NOSCRIPT", .retry),
    ("MISCONF Redis is configured to save RDB snapshots", "MISCONF", .retry),
    ("READONLY You can't write against a read only replica.", "READONLY", .reconnect),
    ("MASTERDOWN Link with MASTER is down", "MASTERDOWN", .reconnect),
    ("NOREPLICAS Not enough good replicas to write.", "NOREPLICAS", .reconnect),
    ("ERR Error running script: @user_script: 1: -READONLY You can't write against it", "ERR", .reconnect),
    ("ERR max number of clients reached", "ERR", .reconnect),
    ("NOAUTH Authentication required.", "NOAUTH", .permanent),
    ("WRONGPASS invalid username-password pair or user is disabled.", "WRONGPASS", .permanent),
    ("WRONGTYPE Operation against a key holding the wrong kind of value", "WRONGTYPE", .permanent),
    ("NOPERM this user has no permissions to run the 'get' command", "NOPERM", .permanent),
    ("ERR syntax error", "ERR", .permanent),
    ("my own words", "ERR", .permanent),
    ("", "ERR", .permanent),
  ])
  func `the first word of a server error decides what to do`(
    text: String, word: String, disposition: RedisError.Disposition
  ) {
    let error = RedisError(serverText: text)
    #expect(error.code == .server)
    #expect(error.serverCode == word)
    #expect(error.disposition == disposition)
    #expect(!error.isOutcomeUnknown)
  }

  @Test func `what servers quote is blanked`() {
    let quoting = [
      "ERR unknown command 'canary', with args beginning with: 'canary' 'it's canary' ",
      "ERR unknown command `canary`, with args beginning with: `canary`, ",
      "NOPERM User x has no permissions to access the 'canary' key",
      "ERR unknown subcommand \"canary\"",
      "ERR unbalanced 'canary",
    ]
    for text in quoting { #expect(!RedisError(serverText: text).description.contains("canary")) }
    #expect(RedisError(serverText: "READONLY You can't write").message == "READONLY You can't write")
  }

  @Test func `a server text cannot forge a log line or fill a log`() {
    let error = RedisError(serverText: "ERR one\r\ntwo\u{1B}[31m" + String(repeating: "x", count: 10_000))
    #expect(error.message.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
    #expect(error.message.utf8.count <= 210)
  }

  @Test func `a description says when the outcome is unknown`() {
    let known = RedisError(.connectionLost, "gone", .reconnect)
    let unknown = RedisError(.connectionLost, "gone", .reconnect, isOutcomeUnknown: true)
    #expect(known.description == "gone (connectionLost)")
    #expect(unknown.description == "gone (connectionLost, outcome unknown)")
  }
}
