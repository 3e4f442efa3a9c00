import Admission
import Contracts

extension Settler {
  /// Whose the ids are under which messages are buried. Nil when the task was cancelled.
  func holders(among verdicts: [Verdict]) async -> [String: JobIDHolder]? {
    let ids = Set(verdicts.compactMap(\.buriedJob)).sorted()
    guard !ids.isEmpty else { return [:] }
    let holders = await patience.ask("burying waits for Redis") { () async throws(AdmissionError) in
      try await self.desk.holders(of: ids)
    }
    guard let holders else { return nil }
    return Dictionary(uniqueKeysWithValues: zip(ids, holders))
  }
}

extension Verdict {
  fileprivate var buriedJob: String? {
    if case .bury(let delivery, let refusal) = self { delivery.buriedJob(refusal) } else { nil }
  }
}
