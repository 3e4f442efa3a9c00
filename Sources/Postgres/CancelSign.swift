import Synchronization

/// Says to one call that its task was cancelled. The connection looks at it before each statement and, while it waits
/// for the server, ten times a second. Any thread may raise it.
final class CancelSign: Sendable {
  private let raised = Atomic(false)

  var isRaised: Bool { raised.load(ordering: .relaxed) }

  func raise() { raised.store(true, ordering: .relaxed) }
}
