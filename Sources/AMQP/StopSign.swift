import Confinement
import Synchronization

/// Asks an actor, from any thread, to end what it runs.
final class StopSign: Sendable {
  private let raised = Atomic<Bool>(false)
  private let executor: ThreadExecutor

  init(executor: ThreadExecutor) { self.executor = executor }

  var isRaised: Bool { raised.load(ordering: .relaxed) }

  func raise() {
    raised.store(true, ordering: .relaxed)
    executor.wake()
  }
}
