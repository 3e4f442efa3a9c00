import Admission
import Billing
import Catalog
import Contracts
import Lanes
import Logging
import Work

/// When the month turns, by Redis' clock, lets the jobs be tried again that the last month's limits have blocked. One
/// process of the fleet does it, once a month.
struct BlockedReleaser {
  let wires: Wires
  let rules: RuleBook
  /// Names this process among those that could do it.
  let process: String

  private static let interval: Duration = .seconds(60)
  /// Of the role. Renewed three times as often.
  private static let lockLength: Duration = .seconds(30)
  /// A letter that was written before the month turned has arrived by then.
  private static let settled: Duration = .seconds(90)

  /// At the start and once a minute until cancelled.
  func run() async {
    var isOut = false
    while !Task.isCancelled {
      do {
        try await releaseIfDue()
        isOut = false
      } catch {
        if !isOut, !Task.isCancelled {
          wires.logger.error("blocked jobs cannot be released", metadata: [LogKey.error: "\(error)"])
        }
        isOut = true
      }
      do { try await Task.sleep(for: Self.interval) } catch { return }
    }
  }

  private func releaseIfDue() async throws {
    let now = try await wires.desk.time()
    let month = Month(of: now)
    guard try await wires.desk.releasedMonth() != month.period else { return }
    guard try await wires.desk.holdRelease(process, for: Self.lockLength) else { return }
    let count = try await whileHoldingTheRole { try await release(before: month) }
    if count > 0 {
      wires.logger.info(
        "blocked jobs were released for the new month",
        metadata: [LogKey.count: "\(count)", "month": "\(month.period)"])
    }
    guard now.milliseconds - month.start.milliseconds >= Self.settled.milliseconds else { return }
    try await wires.desk.setReleasedMonth(month.period)
  }

  private func release(before month: Month) async throws -> Int {
    let policy = rules.planner.policy
    let choice = LetterBox.Choice.all(
      .init(reasons: [EndCode.quotaExceeded.rawValue, EndCode.costCapReached.rawValue], blockedBefore: month.start))
    var count = 0
    try await wires.broker.withLetterBox(.blocked) { box in
      try await wires.broker.withCourier { courier in
        try await box.replay(
          choice, through: courier, lane: { policy.effectiveTier(assigned: nil, claimed: $0).lane },
          each: { _, fate in if case .replayed = fate { count += 1 } })
      }
    }
    return count
  }

  /// Ends the work when another process has taken the role over.
  private func whileHoldingTheRole(_ work: @escaping @Sendable () async throws -> Int) async throws -> Int {
    try await withThrowingTaskGroup(of: Int.self) { group in
      group.addTask {
        while true {
          try await Task.sleep(for: Self.lockLength / 3)
          guard try await wires.desk.holdRelease(process, for: Self.lockLength) else { throw RoleLost() }
        }
      }
      group.addTask { try await work() }
      defer { group.cancelAll() }
      return try await group.next() ?? 0
    }
  }

  private struct RoleLost: Error, CustomStringConvertible {
    let description = "another process releases them"
  }
}
