import Admission
import Contracts
import Logging

/// Asks Redis until it answers. For what may not be given up: the answer decides whether money is spent, or is the record
/// of money that was. The first failure is logged, and its end with the duration.
struct Patience: Sendable {
  let logger: Logger

  /// Nil when the task was cancelled first.
  /// - Parameter what: says in the log what is waiting.
  func ask<Answer: Sendable>(
    _ what: String, _ question: () async throws(AdmissionError) -> Answer
  ) async -> Answer? {
    var since: ContinuousClock.Instant?
    var pause = Duration.milliseconds(50)
    while true {
      do {
        let answer = try await question()
        if let since {
          logger.info("redis answered", metadata: [LogKey.duration: "\(ContinuousClock.now - since)"])
        }
        return answer
      } catch {
        if Task.isCancelled { return nil }
        if since == nil { logger.error("\(what)", metadata: [LogKey.error: "\(error)"]) }
        since = since ?? .now
      }
      do { try await Task.sleep(for: pause) } catch { return nil }
      pause = min(pause * 2, .seconds(2))
    }
  }
}
