package import Contracts

/// What became of one committed batch, in numbers for metrics and logs.
package struct BookedBatch: Sendable, Hashable {
  package var inserted = 0
  package var duplicates = 0
  package var conflicts = 0
  package var quarantined = 0
  /// Messages that the broker had delivered before.
  package var redelivered: Int
  /// Between the oldest new event and its commit; nil when nothing was new.
  package var lag: Duration?
  /// What was wrong with the first event that was not accepted.
  package var firstRefusal: String?

  package init(_ outcomes: [RecordOutcome], redelivered: Int, now: Timestamp) {
    self.redelivered = redelivered
    var oldest: Timestamp?
    for outcome in outcomes {
      switch outcome {
      case .inserted(_, let occurredAt):
        inserted += 1
        oldest = min(oldest ?? occurredAt, occurredAt)
      case .duplicate:
        duplicates += 1
      case .conflict(let eventID):
        conflicts += 1
        firstRefusal = firstRefusal ?? "conflict on \(eventID)"
      case .quarantined(let reason):
        quarantined += 1
        firstRefusal = firstRefusal ?? reason
      }
    }
    lag = oldest.map { .milliseconds(max(0, now.milliseconds - $0.milliseconds)) }
  }
}
