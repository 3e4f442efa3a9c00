import Contracts
import Operations

/// How moments and spans are written on pages.
enum Clock {
  /// For a `<time>`: the whole moment for machines and as a title, day and second for people.
  static func shown(_ time: String?) -> Fields? {
    guard let time else { return nil }
    guard time.utf8.count >= 19 else { return fields(["whole": time, "short": time, "day": ""]) }
    return fields(["whole": time, "short": "\(time.dropFirst(11).prefix(8))", "day": "\(time.prefix(10))"])
  }

  /// `3 min 2 s`; nil where one of the two cannot be read.
  static func span(_ start: String?, _ end: String?) -> String? {
    guard let start = start.flatMap({ Timestamp($0) }), let end = end.flatMap({ Timestamp($0) }) else { return nil }
    return start.words(until: end)
  }

  /// `03:12:44`.
  static func second(_ time: Timestamp) -> String { String(time.description.dropFirst(11).prefix(8)) }
}
