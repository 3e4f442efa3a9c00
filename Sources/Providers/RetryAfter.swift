import Contracts

/// How long a provider asks to be left alone. Pure.
enum RetryAfter {
  /// A provider that asks for more is asked again after a day.
  static let longest = Duration.seconds(86_400)

  /// Reads `Retry-After` (RFC 9110 section 10.2.3): seconds, also with a fraction, or a date, counted from `now`. Nil
  /// for anything else; a date in the past is zero.
  static func duration(_ text: String, now: Timestamp) -> Duration? {
    if let seconds = Double(text) { return bounded(milliseconds: seconds * 1000) }
    guard let date = date(text) else { return nil }
    return min(.milliseconds(max(0, date.milliseconds - now.milliseconds)), longest)
  }

  /// Reads `retry-after-ms`: milliseconds, also with a fraction.
  static func duration(milliseconds text: String) -> Duration? { Double(text).flatMap(bounded(milliseconds:)) }

  private static func bounded(milliseconds: Double) -> Duration? {
    guard milliseconds.isFinite, milliseconds >= 0 else { return nil }
    return .milliseconds(Int64(min(milliseconds, Double(longest.milliseconds))))
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT`; the two obsolete forms are not read.
  private static func date(_ text: String) -> Timestamp? {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT", parts[1].count == 2,
      let month = months.firstIndex(of: String(parts[2]))
    else { return nil }
    return Timestamp("\(parts[3])-\(month < 9 ? "0" : "")\(month + 1)-\(parts[1])T\(parts[4])Z")
  }
}
