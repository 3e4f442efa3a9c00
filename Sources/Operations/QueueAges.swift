package import Admission
package import Contracts

/// How long messages lie in the lanes' queues, found out without looking into them: the one that is the last now has left
/// when as many were taken as lay there. What comes back from a worker that died is taken twice, so that a little less
/// than the truth may come out. Works for messages that do not say when they were sent, and when nobody takes any.
package struct QueueAges: Sendable {
  private struct Mark: Sendable {
    var since: Timestamp
    var target: Int64
  }

  private var marks: [Lane: Mark] = [:]
  /// How long the last one that was watched lay there.
  private var last: [Lane: Duration] = [:]
  /// Taken by each worker, as it reported last.
  private var reported: [String: [Lane: Int64]] = [:]
  /// By all of them; only the differences count.
  private var taken: [Lane: Int64] = [:]

  /// Bounds what is remembered of workers that are gone.
  private static let mostWorkers = 1000

  package init() {}

  /// - Parameter ready: messages in the queues that are not delivered.
  package mutating func look(workers: [WorkerReport], ready: [Lane: Int], at now: Timestamp) -> [Lane: Duration] {
    count(workers)
    var ages: [Lane: Duration] = [:]
    for lane in Lane.allCases {
      let taken = taken[lane] ?? 0
      let ready = ready[lane] ?? 0
      if let mark = marks[lane], taken >= mark.target || ready == 0 {
        last[lane] = .milliseconds(now.milliseconds - mark.since.milliseconds)
        marks[lane] = nil
      }
      guard ready > 0 else {
        last[lane] = nil
        continue
      }
      let mark = marks[lane] ?? Mark(since: now, target: taken + Int64(ready))
      marks[lane] = mark
      ages[lane] = max(last[lane] ?? .zero, .milliseconds(now.milliseconds - mark.since.milliseconds))
    }
    return ages
  }

  private mutating func count(_ workers: [WorkerReport]) {
    for worker in workers {
      for (lane, count) in worker.taken {
        taken[lane, default: 0] += count - (reported[worker.worker]?[lane] ?? 0)
      }
      reported[worker.worker] = worker.taken
    }
    if reported.count > Self.mostWorkers {
      let present = Set(workers.map(\.worker))
      reported = reported.filter { present.contains($0.key) }
    }
  }
}
