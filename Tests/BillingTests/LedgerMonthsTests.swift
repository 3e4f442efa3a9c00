import Contracts
import Foundation
import Testing

@testable import Billing

@Suite(.onEachStore) struct LedgerMonthsTests {
  private let place: TestLedger
  private let ledger: Ledger
  private let events: [CostEvent]

  init() async throws {
    place = try await TestLedger()
    ledger = try place.open()
    events = try randomEvents(120, seed: 31)
  }

  @Test func `a batch answers with the months it touched, their sums and which events are in them`() async throws {
    var booked: [String: [String]] = [:]
    for start in stride(from: 0, to: events.count, by: 30) {
      let recorded = try await ledger.record(events[start..<start + 30].map(\.arrived), under: builtInPolicy)
      for month in recorded.months {
        let stored = try await ledger.userMonth(of: month.month.userID, period: month.month.chargePeriod)
        #expect(stored?.text == month.month.text)
        booked["\(month.month.userID) \(month.month.chargePeriod)", default: []] += month.eventIDs
      }
    }
    let expected = Dictionary(grouping: events) { "\($0.userID) \($0.chargePeriod)" }.mapValues { $0.map(\.id) }
    #expect(booked == expected)
  }

  @Test func `the row of a month is the number of its last row`() async throws {
    _ = try await ledger.record(events.map(\.arrived), under: builtInPolicy)
    let rows = try await ledger.database.read {
      try $0.rows("SELECT user_id, charge_period, max(row_number) AS last FROM usage_cost GROUP BY 1, 2")
    }
    for row in rows {
      let month = try await ledger.userMonth(of: row.text("user_id"), period: row.text("charge_period"))
      #expect(month?.lastRow == (try row.integer("last")))
    }
    #expect(rows.count > 11)
  }

  @Test func `an event that came again is in its month, a refused one in none`() async throws {
    let event = try costEvent()
    _ = try await ledger.record([event.arrived], under: builtInPolicy)
    let again = try await ledger.record(
      [event.arrived, try costEvent(nanoUSD: 7).arrived, ArrivedEvent(body: Array("{".utf8))], under: builtInPolicy)
    #expect(again.months.map(\.eventIDs) == [[event.id]])
    #expect(again.months.map(\.month.lastRow) == [1])
  }

  @Test func `all months of a period are shown once, page by page`() async throws {
    _ = try await ledger.record(events.map(\.arrived), under: builtInPolicy)
    var seen: [UserMonth] = []
    while true {
      let page = try await ledger.months(of: ["2026-10", "2026-11"], after: seen.last, limit: 4)
      #expect(page.count <= 4)
      seen += page
      if page.isEmpty { break }
    }
    #expect(seen.count == Set(events.map { "\($0.userID) \($0.chargePeriod)" }).count)
    #expect(Set(seen).count == seen.count)
    let october = try await ledger.months(of: ["2026-10"], after: nil, limit: 100)
    #expect(!october.isEmpty && october.allSatisfy { $0.chargePeriod == "2026-10" })
  }

  @Test func `of some events those with a row are named, by month`() async throws {
    _ = try await ledger.record(events.prefix(60).map(\.arrived), under: builtInPolicy)
    let found = try await ledger.booked(events.map(\.id))
    #expect(Set(found.flatMap(\.eventIDs)) == Set(events.prefix(60).map(\.id)))
    for month in found {
      #expect(try await ledger.userMonth(of: month.month.userID, period: month.month.chargePeriod) == month.month)
    }
  }
}

extension UserMonth {
  /// With sums as they print, because equal decimals may have different mantissas.
  fileprivate var text: String {
    let sums = units.filter { $0.value.mantissa != 0 }.map { "\($0.key) \($0.value)" }.sorted()
    return "\(userID) \(chargePeriod) \(amount) \(jobs) \(lastRow) \(sums)"
  }
}
