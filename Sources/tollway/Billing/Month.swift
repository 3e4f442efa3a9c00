import Contracts

/// A calendar month, UTC.
struct Month {
  /// Its first millisecond.
  let start: Timestamp

  init(of time: Timestamp) {
    let day = Timestamp("\(time.chargePeriod)-01T00:00:00Z")
    guard let day else { fatalError("Bug: a month without a first day") }
    start = day
  }

  /// `2026-11`.
  var period: String { start.chargePeriod }
  var before: Month { Month(of: Timestamp(milliseconds: start.milliseconds - 1)) }
}
