import Admission
import Contracts

// Money and quotas of "ana", in nano-USD where nothing else is said.

extension AdmissionLimits {
  static func cap(_ nanoUSD: Int64) -> AdmissionLimits {
    var limits = AdmissionLimits()
    limits.monthlyCap = Money(nanoUSD: nanoUSD)
    return limits
  }
}

extension Spending {
  static func usd(_ nanoUSD: Int64, jobs: Int64 = 1) -> Spending { Spending(nanoUSD: nanoUSD, jobs: jobs) }
}

extension AdmissionBench {
  /// The ledger has this much, up to a row, with these events in it.
  func book(row: Int64, _ spent: Spending, _ events: [String] = [], month: String = "2026-11") async throws {
    try await desk.book([
      AdmissionDesk.MonthBase(userID: "ana", period: month, row: row, spent: spent, eventIDs: events)
    ])
  }

  /// Base and open.
  func standing(_ month: String = "2026-11") async throws -> [Int64] {
    let (base, open) = try await desk.standing(of: "ana", period: month)
    return [base.nanoUSD, open.nanoUSD]
  }

  /// Of the memory that Redis has now.
  func epoch() async throws -> String {
    try await desk.claim([:], worker: "w", number: 1, stamp: "policy").epoch
  }
}
