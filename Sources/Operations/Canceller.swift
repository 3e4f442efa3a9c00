package import Admission
package import Contracts
package import Lanes
import Work

/// Ends jobs before their time, for commands and for the gateway. A job that nobody runs ends here, at once; its message is
/// recognised when it comes up. One that runs is ended by its worker, within two seconds. If this process dies in between,
/// whoever takes the job up next ends it. Safe to share.
package struct Canceller: Sendable {
  package enum Outcome: Sendable, Hashable {
    case cancelled
    case cancelledBefore
    /// Otherwise, before it could be cancelled.
    case ended(RunStatus)
    case unknown
    /// It will be, when its worker, or who takes it over from one that is gone, hears of it.
    case pending
  }

  /// For the worker of a job that runs.
  package static let patience: Duration = .seconds(5)
  /// Between two looks; each is twice as long as the one before.
  private static let intervals: ClosedRange<Duration> = .milliseconds(100) ... .seconds(1)
  /// Longest note, in bytes.
  package static let mostNote = 256

  private let desk: AdmissionDesk
  private let post: PostOffice
  private let send: @Sendable ([Dispatch]) async throws -> Void
  private let now: @Sendable () -> Timestamp

  /// - Parameters:
  ///   - post: only writes the messages.
  ///   - send: returns when all are confirmed.
  package init(
    desk: AdmissionDesk, post: PostOffice, now: @escaping @Sendable () -> Timestamp,
    send: @escaping @Sendable ([Dispatch]) async throws -> Void
  ) {
    self.desk = desk
    self.post = post
    self.now = now
    self.send = send
  }

  /// - Parameters:
  ///   - user: whose job it must be; one of somebody else is not known. Nil for any.
  ///   - note: stands behind "cancelled" in the result's message: `by anna: wrong text`.
  ///   - end: how long a worker is waited for; the same for many jobs that are cancelled together.
  /// - Throws: what Redis or `send` throws; asking again is harmless.
  package func cancel(
    _ job: String, of user: String? = nil, note: String, until end: ContinuousClock.Instant = .now + Self.patience
  ) async throws -> Outcome {
    var isFirst = true
    var pause = Self.intervals.lowerBound
    while true {
      switch try await desk.cancel(job, of: user, note: note) {
      case .unknown: return .unknown
      case .ended(.cancelled): return isFirst ? .cancelledBefore : .cancelled
      case .ended(let status): return .ended(status)
      case .running, .stopping: break
      case .idle(let idle): if try await finish(idle, note) { return .cancelled }
      }
      guard .now < end else { return .pending }
      isFirst = false
      try await Task.sleep(for: pause)
      pause = min(pause * 2, Self.intervals.upperBound)
    }
  }

  /// False where somebody was faster: it runs, or has ended.
  private func finish(_ job: IdleJob, _ note: String) async throws -> Bool {
    let run = job.run ?? RunStamp.fresh(at: now())
    var result = ResultEvent(
      jobID: job.id, userID: Identifier.text(base64url: job.userKey) ?? job.userKey, tier: job.labels.tier,
      taskType: job.taskType?.rawValue, status: .cancelled, run: run, finishedAt: now())
    result.queuedAt = job.labels.queuedAt
    result.seriesID = job.labels.seriesID
    result.metadata = try job.labels.metadata.map { try JSONParser.parse($0).root }
    result.fault = .cancelled(note)
    result.add(earlier: job.costs)
    let event = result.withoutOutput()
    guard case .finished = try await desk.finish([Finish(cancelling: job, run: run, result: event)])[0] else {
      return false
    }
    try await send(job.costs.compactMap { post.cost(announcing: $0) } + [post.result(event, of: result)])
    if job.attempt > 0 { try await desk.forgetCosts(of: [(job.id, job.attempt)]) }
    return true
  }
}
