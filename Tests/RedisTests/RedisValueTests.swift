import Testing

@testable import Redis

@Suite struct RedisValueTests {
  @Test func `an integer is read from a number and from decimal text`() {
    #expect(RedisValue.integer(-5).int == -5)
    #expect(RedisValue.bytes(Array("42".utf8)).int == 42)
    #expect(RedisValue.bytes(Array("42 ".utf8)).int == nil)
    #expect(RedisValue.null.int == nil)
    #expect(RedisValue.array([.integer(1)]).int == nil)
  }

  @Test func `a string is text only when it is UTF-8`() {
    #expect(RedisValue.bytes(Array("é".utf8)).string == "é")
    #expect(RedisValue.bytes([0xFF]).string == nil)
    #expect(RedisValue.bytes([0xFF]).bytes == [0xFF])
    #expect(RedisValue.status("OK").string == "OK")
    #expect(RedisValue.error("ERR x").string == nil)
  }

  @Test func `only an error reply has a server error`() {
    #expect(RedisValue.error("OOM no memory").serverError?.serverCode == "OOM")
    #expect(RedisValue.status("OOM").serverError == nil)
    #expect(RedisValue.array([.null]).array == [.null])
    #expect(RedisValue.null.isNull && !RedisValue.integer(0).isNull)
  }

  @Test func `a server is known by its run_id, product and version`() {
    let redis = RedisServerIdentity(info: "# Server\r\nredis_version:7.0.15\r\nos:Linux: x\r\nrun_id:abc\r\n")
    #expect(redis?.runID == "abc")
    #expect(redis?.product == "redis")
    #expect(redis?.version == "7.0.15")
    let valkey = RedisServerIdentity(
      info: "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\nrun_id:def\r\n")
    #expect(valkey?.product == "valkey")
    #expect(valkey?.version == "8.1.1")
    #expect(RedisServerIdentity(info: "redis_version:7.0.15\r\n") == nil)
    #expect(RedisServerIdentity(info: "") == nil)
  }
}
