package import Admission
package import Contracts

/// How much workers took of the lanes and ended within the last minute, of the counts that they report. Those of a worker
/// that is new are of now; those of the first look are of an unknown time, and only what is added to them counts.
package struct FleetPace: Sendable {
  private struct Counts: Hashable {
    var taken: [Lane: Int64] = [:]
    var ended: [Lane: Int64] = [:]
    var finished: Int64 = 0

    mutating func add(_ now: Counts, after before: Counts?) {
      for lane in Lane.allCases {
        taken[lane, default: 0] += (now.taken[lane] ?? 0) - (before?.taken[lane] ?? 0)
        ended[lane, default: 0] += (now.ended[lane] ?? 0) - (before?.ended[lane] ?? 0)
      }
      finished += now.finished - (before?.finished ?? 0)
    }
  }

  /// As each worker reported last.
  private var reported: [String: Counts]?
  private var sum = Counts()
  /// The sums of the last minute and the one before, the oldest first.
  private var sums: [(at: Timestamp, counts: Counts)] = []
  /// When a look found more runs ended than the one before.
  package private(set) var lastEnd: Timestamp?

  /// Less than that says nothing of a minute.
  private static let shortest: Int64 = 10_000
  private static let window: Int64 = 60_000
  /// Bounds what is remembered of workers that are gone.
  private static let mostWorkers = 1000

  package init() {}

  /// - Parameter now: of one clock throughout.
  package mutating func look(_ workers: [WorkerReport], at now: Timestamp) {
    let finishedBefore = sum.finished
    let current = Dictionary(
      workers.map { ($0.worker, Counts(taken: $0.taken, ended: $0.ended, finished: $0.finished)) }
    ) { first, _ in first }
    if let known = reported {
      for (worker, counts) in current { sum.add(counts, after: known[worker]) }
      let all = known.merging(current) { _, new in new }
      reported = all.count > Self.mostWorkers ? current : all
    } else {
      reported = current
    }
    if sum.finished > finishedBefore { lastEnd = now }
    if let last = sums.last, last.at > now { sums = [] }  // the clock was set back
    sums.append((now, sum))
    while sums.count > 1, sums[1].at.milliseconds <= now.milliseconds - Self.window { sums.removeFirst() }
  }

  package func takenPerMinute(_ lane: Lane) -> Double? { perMinute { $0.taken[lane] ?? 0 } }
  package func endedPerMinute(_ lane: Lane) -> Double? { perMinute { $0.ended[lane] ?? 0 } }
  package var finishedPerMinute: Double? { perMinute(\.finished) }

  private func perMinute(_ count: (Counts) -> Int64) -> Double? {
    guard let first = sums.first, let last = sums.last else { return nil }
    let length = last.at.milliseconds - first.at.milliseconds
    guard length >= Self.shortest else { return nil }
    return Double(max(0, count(last.counts) - count(first.counts))) * 60_000 / Double(length)
  }
}
