package import Catalog
package import Logging
package import Providers
import Synchronization

/// The providers in force, exchanged as a whole when the policy changes. A provider that the new policy no longer has is
/// shut down when its last call has ended. Safe to share.
package final class ProviderShelf: Sendable {
  private struct State {
    var current: ProviderSet
    /// Counts the exchanges; a call belongs to the one it began under.
    var epoch = 0
    /// Calls under way, by epoch and name.
    var calls: [Int: [String: Int]] = [:]
    /// With the last epoch whose calls may use it.
    var retired: [(provider: any Provider, epoch: Int)] = []

    /// Takes out those retired providers that nobody calls any more.
    mutating func takeIdle() -> [any Provider] {
      let idle = retired.filter { entry in
        !calls.contains { $0.key <= entry.epoch && ($0.value[entry.provider.name] ?? 0) > 0 }
      }
      retired.removeAll { entry in idle.contains { $0.provider.name == entry.provider.name && $0.epoch == entry.epoch }
      }
      return idle.map(\.provider)
    }
  }

  private let state: Mutex<State>

  package init(policy: Policy, artifacts: ArtifactStore, logger: Logger) {
    state = Mutex(State(current: ProviderSet(policy: policy, artifacts: artifacts, logger: logger)))
  }

  /// Nil when this worker cannot speak to that provider.
  func call(_ name: String, _ call: ProviderCall) async -> ProviderAnswer? {
    let (provider, epoch) = state.withLock { state in
      let provider = state.current[name]
      if provider != nil { state.calls[state.epoch, default: [:]][name, default: 0] += 1 }
      return (provider, state.epoch)
    }
    guard let provider else { return nil }
    let answer = await provider.call(call)
    let idle = state.withLock { state -> [any Provider] in
      state.calls[epoch]?[name]? -= 1
      return state.retired.isEmpty ? [] : state.takeIdle()
    }
    for provider in idle { await provider.shutdown() }
    return answer
  }

  package func adopt(_ policy: Policy) async {
    let idle = state.withLock { state in
      let (set, retired) = state.current.adopting(policy)
      state.current = set
      state.retired += retired.map { ($0, state.epoch) }
      state.epoch += 1
      state.calls = state.calls.filter { $0.value.contains { $0.value > 0 } }
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
