import Admission
import Contracts

extension Settler {
  /// What the door remembers of jobs that it let in and whose messages are buried, by id. Nil when the task was cancelled.
  func accepted(among verdicts: [Verdict]) async -> [String: DoorMark]? {
    let jobs = Set(verdicts.compactMap(\.buriedJob)).sorted()
    guard !jobs.isEmpty else { return [:] }
    let marks = await patience.ask("burying waits for Redis") { () async throws(AdmissionError) in
      try await self.desk.marks(of: jobs)
    }
    guard let marks else { return nil }
    return zip(jobs, marks).reduce(into: [:]) { $0[$1.0] = $1.1 }
  }
}

extension Verdict {
  fileprivate var buriedJob: String? {
    if case .bury(let delivery, let refusal) = self { delivery.buriedJob(refusal) } else { nil }
  }
}
