import Billing
import Contracts
import Foundation
import Operations
import Synchronization
import TestKit
import Testing

struct ReportsTests {
  private static let empty = LedgerReport(
    grouping: .day, rows: [],
    total: LedgerReport.Row(key: "", jobs: 0, attempts: 0, amount: .zero, corrections: .zero, units: [:]))

  private let directory: TestDirectory
  private let ledger: LedgerAccess

  init() throws {
    let directory = try TestDirectory("reports")
    self.directory = directory
    let path = directory.file("ledger.db").path
    ledger = LedgerAccess { () throws(LedgerError) in try Ledger(path: path) }
  }

  @Test func `one report is made at a time, a few wait, the others are told`() async throws {
    let running = Mutex(0)
    let most = Mutex(0)
    let mayEnd = Mutex(false)
    let turns = Turnstile(places: 2, reserve: 0, patience: .seconds(3600))
    let reports = Reports(of: ledger, turns: turns, limit: .seconds(3600)) { _, _ in
      let now = running.withLock { count in
        count += 1
        return count
      }
      most.withLock { $0 = max($0, now) }
      try await waitUntil("it may end") { mayEnd.withLock { $0 } }
      running.withLock { $0 -= 1 }
      return Self.empty
    }
    let first = Task { try await reports.sheet(LedgerQuery(by: .day)) }
    try await waitUntil("it runs") { running.withLock { $0 } == 1 }
    let others = (1...2).map { _ in Task { try await reports.sheet(LedgerQuery(by: .day)) } }
    try await waitUntil("they wait") { turns.waiting == 2 }
    await #expect(throws: Turnstile.Crowded.self) { try await reports.sheet(LedgerQuery(by: .day)) }
    // Others read meanwhile.
    #expect(try await ledger.ledger().auditTrail(limit: 1).isEmpty)
    mayEnd.withLock { $0 = true }
    for report in [first] + others { #expect(try await report.value.by == "day") }
    #expect(most.withLock { $0 } == 1)
  }

  @Test func `a report that takes too long is broken off, and the next one is made`() async throws {
    let calls = Mutex(0)
    let wasCancelled = Mutex(false)
    let reports = Reports(of: ledger, limit: .milliseconds(100)) { _, _ in
      let number = calls.withLock { count in
        count += 1
        return count
      }
      guard number == 1 else { return Self.empty }
      do { try await Task.sleep(for: .seconds(3600)) } catch {
        wasCancelled.withLock { $0 = true }
        throw error
      }
      return Self.empty
    }
    await #expect(throws: LedgerAccess.Late.self) { try await reports.sheet(LedgerQuery(by: .day)) }
    try await waitUntil("it was broken off") { wasCancelled.withLock { $0 } }
    #expect(try await reports.sheet(LedgerQuery(by: .day)).rows.isEmpty)
  }

  @Test func `whoever can do without the ledger goes on, also where a reading cannot be broken off`() async throws {
    let mayEnd = Mutex(false)
    await #expect(throws: LedgerAccess.Late.self) {
      try await ledger.read(within: .milliseconds(50)) { _ in
        while !mayEnd.withLock({ $0 }) { await Task.yield() }
      }
    }
    mayEnd.withLock { $0 = true }
    #expect(try await ledger.read(within: .seconds(3600)) { _ in 7 } == 7)
    let asking = Task { [ledger] in
      try await ledger.read(within: .seconds(3600)) { _ in try await Task.sleep(for: .seconds(3600)) }
    }
    asking.cancel()
    await #expect(throws: CancellationError.self) { try await asking.value }
  }
}
