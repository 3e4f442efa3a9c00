import Contracts
import Testing

@Suite struct ExactDecimalTests {
  @Test(arguments: [
    ("0", "0"), ("-0", "0"), ("12", "12"), ("012", "12"), ("-12.50", "-12.5"), ("+3", "3"), ("1.5e-07", "0.00000015"),
    ("1.5E2", "150"), ("1e17", "100000000000000000"), ("0e30", "0"), ("0e-30", "0"),
    ("0.000000000000000001", "0.000000000000000001"),
    ("999999999999999999", "999999999999999999"), ("1000e-3", "1"), ("0.0000000000000000000", "0"), (".5", "0.5"),
    ("5.", "5"), ("100000000000000000000e-20", "1"),
  ])
  func `a number is read exactly`(text: String, expected: String) throws {
    #expect(try #require(ExactDecimal(text)).description == expected)
  }

  @Test(arguments: [
    "", "-", "+", ".", "-.", "e5", ".e5", "1e", "1e+", "--1", "1.2.3", "1,5", " 1", "1 ", "0x1", "nan", "inf", "1_000",
    "１",
    "1000000000000000000", "0.0000000000000000001", "1e18", "1e31", "1e-31", "1e999999999999999999999",
    "1e-9223372036854775808", "1e9223372036854775807", "999999999999999999999999999999e30",
    "9999999999999999999999999999999", "1e1e1",
  ])
  func `what is no number, or too long a one, is refused without a trap`(text: String) {
    #expect(ExactDecimal(text) == nil)
  }

  @Test func `sums and products are exact`() throws {
    let tenth = try #require(ExactDecimal("0.1"))
    let fifth = try #require(ExactDecimal("0.2"))
    #expect((tenth + fifth).description == "0.3")
    #expect((tenth * fifth).description == "0.02")
    let least = try #require(ExactDecimal("0.000000000000000001"))
    let most = try #require(ExactDecimal("-999999999999999999"))
    #expect((most + least).description == "-999999999999999998.999999999999999999")
    #expect((most * most).description == "999999999999999998000000000000000001")
  }

  @Test(
    arguments: [
      ("0.5", 0, 0), ("1.5", 0, 2), ("2.5", 0, 2), ("-0.5", 0, 0), ("-1.5", 0, -2), ("-2.5", 0, -2), ("2.51", 0, 3),
      ("-2.51", 0, -3), ("2.49", 0, 2), ("0.0000000005", 9, 0), ("0.0000000015", 9, 2), ("0.00000000051", 9, 1),
      ("7", 2, 700),
    ] as [(String, Int, Int128)])
  func `rounding is half to even`(text: String, decimals: Int, expected: Int128) throws {
    #expect(try #require(ExactDecimal(text)).rounded(toDecimals: decimals) == expected)
  }
}

@Suite struct MoneyTests {
  @Test(
    arguments: [
      ("0.061700000000", 61_700_000, "0.061700000000"), ("-0.0000000015", -2, "-0.000000002000"),
      ("999999999.999999999", 999_999_999_999_999_999, "999999999.999999999000"),
      ("-9223372036.8547758", -9_223_372_036_854_775_800, "-9223372036.854775800000"),
      ("1", 1_000_000_000, "1.000000000000"),
      ("0.0000000025", 2, "0.000000002000"), ("5e-9", 5, "0.000000005000"),
    ] as [(String, Int64, String)])
  func `an amount is nano-dollars inside and twelve decimals outside`(text: String, nano: Int64, out: String) throws {
    let money = try #require(Money(text))
    #expect(money.nanoUSD == nano)
    #expect(money.description == out)
  }

  @Test(arguments: ["9223372036.854775808", "-9223372036.854775809", "999999999999999999", "", "$1", "e9"])
  func `what does not fit is refused`(text: String) { #expect(Money(text) == nil) }
}
