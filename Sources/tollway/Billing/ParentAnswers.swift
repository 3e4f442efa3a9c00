import Admission
import Billing
import Contracts
import Logging

/// Answers from the ledger what Redis does not know: whether the jobs have succeeded that others wait for, and which files
/// they made. Any number of processes may do so. A question that is lost is asked again within seconds.
struct ParentAnswers {
  let desk: AdmissionDesk
  let ledger: Ledger
  let logger: Logger

  private static let interval: Duration = .seconds(1)
  /// Of one round trip; as many come at once as there are.
  private static let pageSize = 1000
  private static let mostPages = 10

  /// Once a second until cancelled.
  func run() async {
    var isOut = false
    while !Task.isCancelled {
      do { try await Task.sleep(for: Self.interval) } catch { return }
      do {
        try await answer()
        isOut = false
      } catch {
        if !isOut, !Task.isCancelled {
          logger.error("jobs that others wait for cannot be looked up", metadata: [LogKey.error: "\(error)"])
        }
        isOut = true
      }
    }
  }

  private func answer() async throws {
    for _ in 0..<Self.mostPages {
      let asked = try await desk.takeAsked(limit: Self.pageSize)
      let known = try await ledger.successes(of: asked)
      try await desk.tell(
        of: known.map { success in
          (success.userID, ParentOutput(id: success.jobID, taskType: success.taskType, output: success.output))
        })
      if asked.count < Self.pageSize { return }
    }
  }
}
