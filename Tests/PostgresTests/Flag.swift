import Glibc
import Synchronization

/// Two threads' way to take turns.
final class Flag: Sendable {
  private let raised = Atomic(false)

  var isRaised: Bool { raised.load(ordering: .acquiring) }

  func raise() { raised.store(true, ordering: .releasing) }

  /// Blocks the thread, for bodies of transactions; two minutes at most.
  func waitOnThread() {
    for _ in 0..<120_000 where !isRaised { usleep(1_000) }
  }
}
