import Testing

@testable import Redis

@Suite struct RedisConfigurationTests {
  @Test func `a full URL is taken apart`() throws {
    let configuration = try RedisConfiguration(url: "redis://worker:s%40cret%2F@redis.example:6380/3")
    #expect(configuration.location == .server(RedisAddress(host: "redis.example", port: 6380)))
    #expect(configuration.database == 3)
    #expect(configuration.credentials == .init(user: "worker", password: "s@cret/"))
  }

  @Test func `port and database have defaults`() throws {
    for url in ["redis://127.0.0.1", "redis://127.0.0.1/", "REDIS://127.0.0.1:6379/0"] {
      let configuration = try RedisConfiguration(url: url)
      #expect(configuration.description == "redis://127.0.0.1:6379/0")
      #expect(configuration.credentials == nil)
    }
  }

  @Test func `an empty user means the default user`() throws {
    #expect(try RedisConfiguration(url: "redis://:pass@h").credentials == .init(user: nil, password: "pass"))
  }

  @Test func `an address of version six stands in brackets`() throws {
    let configuration = try RedisConfiguration(url: "redis://[::1]:7000/1")
    #expect(configuration.location == .server(RedisAddress(host: "::1", port: 7000)))
    #expect(configuration.description == "redis://[::1]:7000/1")
  }

  @Test func `the last at sign ends the password`() throws {
    let configuration = try RedisConfiguration(url: "redis://u:a@b@host")
    #expect(configuration.location == .server(RedisAddress(host: "host", port: 6379)))
    #expect(configuration.credentials?.password == "a@b")
  }

  @Test func `no way of printing shows user or password`() throws {
    let configuration = try RedisConfiguration(url: "redis://someuser:canary-9f@127.0.0.1/2")
    var dumped = ""
    dump(configuration, to: &dumped)
    for text in ["\(configuration)", String(reflecting: configuration), dumped] {
      #expect(!text.contains("canary") && !text.contains("someuser"))
      #expect(text.contains("127.0.0.1"))
    }
  }

  @Test(arguments: [
    "", "127.0.0.1:6379", "redis://", "redis://:6379", "redis://h:0", "redis://h:65536", "redis://h:port", "redis://h:",
    "redis://h:+1", "redis://h/one", "redis://h/-1", "redis://h/1/2", "redis://h/0?x=canary", "redis://h#canary",
    "redis://canary@h", "redis://u:@h", "redis://u:%zz@h", "redis://u:%00@h", "redis://u:%ff@h", "redis://[::1",
    "redis://[h]", "redis://::1", "redis://u:can/ary@h", "redis://h h", "redis://h1,h2", "http://h", "unix:///canary",
  ])
  func `a URL that is wrong is refused without repeating it`(url: String) {
    let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: url, key: "SOME_KEY") }
    #expect(error?.code == .configuration)
    #expect(error?.disposition == .permanent)
    #expect(error?.message.hasPrefix("SOME_KEY: ") == true)
    #expect(error?.message.contains("canary") == false && error?.message.contains("ary@h") == false)
  }

  @Test func `TLS that the library does not have is refused with the key and the fix`() {
    let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: "rediss://u:p@h:6379/0") }
    #expect(error?.code == .configuration)
    #expect(error?.disposition == .permanent)
    #expect(error?.message.hasPrefix("TOLLWAY_REDIS_URL: rediss:// cannot be used: ") == true)
    #expect(error?.message.contains("hiredis") == true)
    #expect(error?.message.contains("use redis:// on a private network or through a TLS tunnel") == true)
  }

  @Test func `sentinels are listed, then the name of the primary, the database and their own password`() throws {
    let url = "redis+sentinel://u:p@s1:26380,s2,[::1]:7,s3/my%20primary/3?sentinel_password=a%26b=c?"
    let configuration = try RedisConfiguration(url: url)
    let addresses = [("s1", 26380), ("s2", 26379), ("::1", 7), ("s3", 26379)].map { RedisAddress(host: $0, port: $1) }
    #expect(
      configuration.location
        == .sentinels(RedisSentinels(addresses: addresses, primaryName: "my primary", password: "a&b=c?")))
    #expect(configuration.database == 3)
    #expect(configuration.credentials == .init(user: "u", password: "p"))
  }

  @Test func `with sentinels too, printing shows addresses, name and database only`() throws {
    let configuration = try RedisConfiguration(url: "redis+sentinel://user:canary@h1,h2/main?sentinel_password=canary")
    #expect("\(configuration)" == "redis+sentinel://h1:26379,h2:26379/main/0")
    var dumped = ""
    dump(configuration, to: &dumped)
    #expect(!"\(dumped) \(String(reflecting: configuration))".contains("canary"))
  }

  @Test(arguments: [
    "redis+sentinel://h1,h2", "redis+sentinel://h1,h2/", "redis+sentinel://h1,,h2/m", "redis+sentinel://,h/m",
    "redis+sentinel:///m", "redis+sentinel://h1:0/m", "redis+sentinel://h/m/x", "redis+sentinel://h/m/0/1",
    "redis+sentinel://h/m?", "redis+sentinel://h/m?sentinel_password=", "redis+sentinel://h/m?canary=1",
    "redis+sentinel://h/m?sentinel_password=canary&x=y", "redis+sentinel://h/m?sentinel_password=%zz",
    "redis+sentinel://h/m#canary", "redis+sentinel://u:can?ary@h/m", "redis+sentinel://canary@h/m",
    "redis+sentinel://h/%00",
  ])
  func `a URL of sentinels that is wrong is refused without repeating it`(url: String) {
    let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: url, key: "SOME_KEY") }
    #expect(error?.code == .configuration)
    #expect(error?.disposition == .permanent)
    #expect(error?.message.hasPrefix("SOME_KEY: ") == true)
    #expect(error?.message.contains("canary") == false && error?.message.contains("ary@h") == false)
  }

  @Test func `the greeting authenticates, selects and names before it asks who answers`() throws {
    let full = try RedisConfiguration(url: "redis://u:p@h/4").greeting.map { texts($0.command.arguments) }
    #expect(full == [["AUTH", "u", "p"], ["SELECT", "4"], ["CLIENT", "SETNAME", "tollway"], ["INFO", "server"]])
    let plain = try RedisConfiguration(url: "redis://:p@h").greeting.map { texts($0.command.arguments) }
    #expect(plain == [["AUTH", "p"], ["CLIENT", "SETNAME", "tollway"], ["INFO", "server"]])
    let elected = try RedisConfiguration(url: "redis+sentinel://h/main").greeting.map { texts($0.command.arguments) }
    #expect(elected == [["CLIENT", "SETNAME", "tollway"], ["ROLE"], ["INFO", "server"]])
  }
}
