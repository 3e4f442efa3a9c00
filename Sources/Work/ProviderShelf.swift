package import Catalog
package import Logging
package import Providers
import Synchronization

/// The providers in force, exchanged as a whole when the policy changes. A provider that the new policy no longer has
/// ends when its process does, so that calls under way may end. Safe to share.
package final class ProviderShelf: Sendable {
  private struct State {
    var current: ProviderSet
    var retired: [any Provider] = []
  }

  private let state: Mutex<State>

  package init(policy: Policy, artifacts: ArtifactStore, logger: Logger) {
    state = Mutex(State(current: ProviderSet(policy: policy, artifacts: artifacts, logger: logger)))
  }

  package subscript(name: String) -> (any Provider)? { state.withLock { $0.current[name] } }

  package func adopt(_ policy: Policy) {
    state.withLock { state in
      let (set, retired) = state.current.adopting(policy)
      state.current = set
      state.retired += retired
    }
  }

  package func shutdown() async {
    let (current, retired) = state.withLock { ($0.current, $0.retired) }
    for provider in retired { await provider.shutdown() }
    await current.shutdown()
  }
}
