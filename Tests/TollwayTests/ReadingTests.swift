import Contracts
import Operations
import Testing

@testable import tollway

struct ReadingTests {
  @Test(arguments: [("0.0617", "0.061700"), ("0.000000123", "0.000000123"), ("12", "12.000000"), ("-1.5", "-1.500000")])
  func `money in tables has six decimals, or more where there are more`(text: String, shown: String) throws {
    #expect(try #require(Money(text)).inTable == shown)
  }

  @Test(arguments: [("500ms", 500), ("90s", 90_000), ("30m", 1_800_000), ("2h", 7_200_000), ("1d", 86_400_000)])
  func `durations are read with their unit`(text: String, milliseconds: Int64) throws {
    #expect(try #require(Duration(reading: text)).milliseconds == milliseconds)
  }

  @Test(arguments: ["", "s", "5", "-5s", "1.5s", "5 s", "5w", "99999999999s"])
  func `anything else is no duration`(text: String) {
    #expect(Duration(reading: text) == nil)
  }

  @Test func `a day stands for its first instant`() {
    #expect(Timestamp(dayOrTime: "2026-11-21") == Timestamp("2026-11-21T00:00:00Z"))
    #expect(Timestamp(dayOrTime: "2026-11-21T10:00:00+01:00") == Timestamp("2026-11-21T09:00:00Z"))
    #expect(Timestamp(dayOrTime: "yesterday") == nil)
  }

  @Test func `the value of an INFO line is found`() {
    let info = "# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n"
    #expect(RedisChecks.field("maxmemory_policy", in: info) == "allkeys-lru")
    #expect(RedisChecks.field("policy", in: info) == nil)
  }
}
