import Contracts

/// The one way in which providers obey the deadline of a call. Runs on the caller's executor.
enum AnswerDeadline {
  /// Lets `work` answer until `deadline`, then cancels it and waits until it has noticed, so that nothing of a call
  /// outlives it. `late` is the answer then, with what was used until then, unless `work` succeeded after all or the
  /// caller cancelled.
  static func answer<Reply: Sendable>(
    by deadline: ContinuousClock.Instant, late: ProviderFailure,
    _ work: @escaping @Sendable () async -> Result<Reply, ProviderFailure>
  ) async -> Result<Reply, ProviderFailure> {
    guard deadline > .now else {
      var late = late
      late.reachedProvider = false
      return .failure(late)
    }
    return await withTaskGroup(of: Result<Reply, ProviderFailure>?.self) { group in
      group.addTask { await work() }
      group.addTask {
        do {
          try await Task.sleep(until: deadline, clock: .continuous)
        } catch {
          return nil  // cancelled: the answer is there, or the caller gave up
        }
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      if let first { return first }
      let answer = await group.next() ?? nil
      if let answer, Task.isCancelled { return answer }
      var late = late
      switch answer {
      case .success(let reply): return .success(reply)
      case .failure(let failure): late.usage = failure.usage
      case nil: break
      }
      return .failure(late)
    }
  }
}
