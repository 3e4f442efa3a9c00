import Contracts
import Testing

@Suite struct TimestampTests {
  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z"),
      ("2026-11-21T10:15:30.123Z", 1_795_256_130_123, "2026-11-21T10:15:30.123Z"),
      ("2026-11-21t10:15:30.123999z", 1_795_256_130_123, "2026-11-21T10:15:30.123Z"),
      ("2026-11-21 11:45:30.5+01:30", 1_795_256_130_500, "2026-11-21T10:15:30.500Z"),
      ("2026-11-21T00:15:30.5-10:00", 1_795_256_130_500, "2026-11-21T10:15:30.500Z"),
      ("1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z"),
      ("2024-02-29T00:00:00Z", 1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
      ("2000-02-29T00:00:00Z", 951_782_400_000, "2000-02-29T00:00:00.000Z"),
      ("2016-12-31T23:59:60Z", 1_483_228_800_000, "2017-01-01T00:00:00.000Z"),
      ("0000-01-01T00:00:00Z", -62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
      ("9999-12-31T23:59:59.999Z", 253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
      ("2026-11-21T10:15:30.12345678901234567890123456789Z", 1_795_256_130_123, "2026-11-21T10:15:30.123Z"),
    ] as [(String, Int64, String)])
  func `an RFC 3339 time is read and printed in UTC with milliseconds`(text: String, milliseconds: Int64, out: String)
    throws
  {
    let time = try #require(Timestamp(text))
    #expect(time.milliseconds == milliseconds)
    #expect(time.description == out)
  }

  @Test(arguments: [
    "", "2026", "2026-11-21", "2026-11-21T10:15:30", "2026-11-21T10:15Z", "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx",
    "2026-01-01T00:00:00+0100",
    "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01:60", "-026-01-01T00:00:00Z", "２026-01-01T00:00:00Z",
    "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z",
  ])
  func `what is no time, or cannot be written again, is refused`(text: String) { #expect(Timestamp(text) == nil) }

  @Test func `every printed time is read back`() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let time = Timestamp(milliseconds: Int64.random(in: -62_167_219_200_000...253_402_300_799_999, using: &generator))
      #expect(Timestamp(time.description) == time, "\(time.milliseconds)")
    }
  }

  @Test func `the charge period is the month in UTC`() throws {
    #expect(try #require(Timestamp("2026-12-01T00:30:00+01:00")).chargePeriod == "2026-11")
    #expect(try #require(Timestamp("2026-12-01T00:00:00Z")).chargePeriod == "2026-12")
  }
}
