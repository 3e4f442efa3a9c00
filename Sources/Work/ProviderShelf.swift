package import Catalog
import Contracts
package import Logging
package import Providers
import Synchronization

/// The providers in force, exchanged as a whole when the policy changes. A provider that the new policy no longer has is
/// shut down when its last call has ended. Safe to share.
package final class ProviderShelf: Sendable {
  /// To which provider, and under which exchange it began.
  private struct Call: Hashable {
    let name: String
    let epoch: Int
  }

  private struct State {
    var current: ProviderSet
    /// Counts the exchanges; a call belongs to the one it began under.
    var epoch = 0
    /// Calls under way.
    var calls: [Call: Int] = [:]
    /// Calls made since somebody asked, by name.
    var made: [String: Int] = [:]
    /// With the last epoch whose calls may use it.
    var retired: [(provider: any Provider, epoch: Int)] = []

    /// Takes out those retired providers that nobody calls any more.
    mutating func takeIdle() -> [any Provider] {
      let idle = retired.filter { entry in
        !calls.contains { $0.key.epoch <= entry.epoch && $0.key.name == entry.provider.name && $0.value > 0 }
      }
      retired.removeAll { entry in idle.contains { $0.provider.name == entry.provider.name && $0.epoch == entry.epoch }
      }
      return idle.map(\.provider)
    }
  }

  private let state: Mutex<State>
  private let coalescer = Coalescer()

  package init(policy: Policy, artifacts: ArtifactStore, logger: Logger) {
    state = Mutex(State(current: ProviderSet(policy: policy, artifacts: artifacts, logger: logger)))
  }

  /// Whether this worker can speak to that provider.
  func has(_ name: String) -> Bool { state.withLock { $0.current[name] != nil } }

  /// Nil when this worker cannot speak to that provider.
  /// - Parameter batchSize: jobs of its tier that may travel in one call, at most.
  /// - Returns: the answer, and whether it is the one of its batch that stands for the call.
  func call(_ name: String, _ call: ProviderCall, batchSize: Int) async -> (answer: ProviderAnswer, isLead: Bool)? {
    let task = call.job.taskType
    // A deadline of its own would be everybody's.
    guard batchSize > 1, call.job.deadline == nil else {
      return await carry(call, by: name).map { ($0, true) }
    }
    let provider = state.withLock { $0.current[name] }
    let limit = provider?.batchLimit(of: task) ?? 1
    guard limit > 1, let common = provider?.batchKey(of: call) else {
      return await carry(call, by: name).map { ($0, true) }
    }
    let key = Coalescer.Key(
      tier: call.tier, task: task, provider: name, model: call.model, version: call.modelVersion,
      user: provider?.separatesUsers ?? false ? call.job.userID : "", common: common)
    return await coalescer.call(call, key, size: min(limit, batchSize)) { calls in
      await self.carry(calls, by: name)
        ?? calls.map { _ in .failure(ProviderFailure(.local, "provider \(name) is gone")) }
    }
  }

  private func carry(_ call: ProviderCall, by name: String) async -> ProviderAnswer? {
    await withProvider(name) { await $0.call(call) }
  }

  private func carry(_ calls: [ProviderCall], by name: String) async -> [ProviderAnswer]? {
    await withProvider(name) { calls.count == 1 ? [await $0.call(calls[0])] : await $0.call(calls) }
  }

  /// Counts the call, so that its provider lives until it has ended.
  private func withProvider<Answer>(
    _ name: String, _ body: (any Provider) async -> Answer
  ) async -> Answer? {
    let (provider, call) = state.withLock { state in
      let provider = state.current[name]
      let call = Call(name: name, epoch: state.epoch)
      if provider != nil {
        state.calls[call, default: 0] += 1
        state.made[name, default: 0] += 1
      }
      return (provider, call)
    }
    guard let provider else { return nil }
    let answer = await body(provider)
    let idle = state.withLock { state -> [any Provider] in
      state.calls[call, default: 1] -= 1
      return state.retired.isEmpty ? [] : state.takeIdle()
    }
    for provider in idle { await provider.shutdown() }
    return answer
  }

  /// Calls made since the last time, by provider: fewer than attempts where several jobs travelled in one.
  func takeCalls() -> [String: Int] {
    state.withLock { state in
      defer { state.made = [:] }
      return state.made
    }
  }

  package func adopt(_ policy: Policy) async {
    let idle = state.withLock { state in
      let (set, retired) = state.current.adopting(policy)
      state.current = set
      state.retired += retired.map { ($0, state.epoch) }
      state.epoch += 1
      state.calls = state.calls.filter { $0.value > 0 }
      return state.takeIdle()
    }
    for provider in idle { await provider.shutdown() }
  }

  package func shutdown() async {
    let (current, retired) = state.withLock { ($0.current, $0.retired.map(\.provider)) }
    for provider in retired { await provider.shutdown() }
    await current.shutdown()
  }
}
