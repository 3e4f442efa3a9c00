import Billing
import Contracts
import Hummingbird
import Lanes
import Operations

/// What stands behind the `?` of an administrator's request.
struct AdminQuery {
  static let limits = 1...500
  private static let defaultLimit = 50
  private static let longestReport: Duration = .seconds(366 * 86_400)

  let request: Request

  init(_ request: Request) { self.request = request }

  subscript(_ name: String) -> String? {
    request.uri.queryParameters.get(name).flatMap { $0.isEmpty ? nil : $0 }
  }

  var limit: Int {
    get throws {
      guard let text = self["limit"] else { return Self.defaultLimit }
      guard let limit = Int(text), Self.limits.contains(limit) else {
        throw Problem(.badRequest, "limit: must be a number from 1 to \(Self.limits.upperBound)")
      }
      return limit
    }
  }

  var letters: LetterFilter { LetterFilter(reasons: self["reason"].map { [$0] }, userID: self["user"]) }

  /// The current month where nothing is said. A year at most: quantities are summed row by row.
  func report(at now: Timestamp) throws -> LedgerQuery {
    guard let grouping = LedgerQuery.Grouping(rawValue: self["by"] ?? "user") else {
      let all = LedgerQuery.Grouping.allCases.map(\.rawValue).joined(separator: ", ")
      throw Problem(.badRequest, "by: one of \(all)")
    }
    let from = try time("from") ?? Timestamp(dayOrTime: "\(now.chargePeriod)-01") ?? now
    let to = try time("to") ?? max(now, from)
    guard from <= to, to.milliseconds - from.milliseconds <= Self.longestReport.milliseconds else {
      throw Problem(.badRequest, "from, to: at most 366 days, and not the wrong way round")
    }
    return LedgerQuery(by: grouping, from: from, to: to)
  }

  private func time(_ name: String) throws -> Timestamp? {
    guard let text = self[name] else { return nil }
    guard let time = Timestamp(dayOrTime: text) else {
      throw Problem(.badRequest, "\(name): a day like 2026-11-21, or an RFC 3339 time")
    }
    return time
  }
}
