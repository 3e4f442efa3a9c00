import Admission
import Catalog
import Contracts
import Logging
import Synchronization

/// The emergency freeze as this worker knows it. Every wave hears from Redis whether one lasts, so it holds for the next
/// job that is planned anywhere. A Redis that lost its memory says nothing, and then what was known stays. Safe to share.
final class FreezeKeeper: Sendable {
  private struct State {
    var freeze: Freeze?
    /// Whether the providers have heard of it.
    var isServed = true
    /// Made of the planner with this stamp.
    var frozen: (of: String, planner: Planner)?
  }

  private let desk: AdmissionDesk
  private let logger: Logger
  private let state = Mutex(State())

  init(desk: AdmissionDesk, logger: Logger) {
    self.desk = desk
    self.logger = logger
  }

  /// What Redis says where nothing is frozen.
  static let off = "off"

  /// - Parameter id: as Redis says; nil when it does not know.
  func hear(_ id: String?) async throws(AdmissionError) {
    guard let id, state.withLock({ ($0.freeze?.id ?? Self.off) != id }) else { return }
    if id == Self.off { return take(nil) }
    guard let bytes = try await desk.freeze().bytes else { return }
    do {
      take(try Freeze(decoding: bytes))
    } catch {
      // Nothing is planned by rules that cannot be read: what was in force stays.
      logger.error("a freeze cannot be read and is not in force", metadata: [LogKey.error: "\(error)"])
    }
  }

  private func take(_ freeze: Freeze?) {
    state.withLock { $0 = State(freeze: freeze, isServed: false) }
    if let freeze {
      logger.warning("freeze: versions are held", metadata: [LogKey.reason: "\(freeze.reason)"])
    } else {
      logger.warning("freeze is over")
    }
  }

  /// Whether the models to be served are others than when it was asked last.
  func takeChange() -> Bool {
    state.withLock { state in
      defer { state.isServed = true }
      return !state.isServed
    }
  }

  /// With the models that a freeze holds beside those of the file: what is routed to has to be served.
  func serving(_ policy: Policy) -> Policy {
    guard let held = state.withLock({ $0.freeze?.models }) else { return policy }
    var policy = policy
    policy.models += held.filter { !policy.models.contains($0) }
    return policy
  }

  /// The planner that is in force.
  func apply(to planner: Planner) -> Planner {
    state.withLock { state in
      guard let freeze = state.freeze else { return planner }
      if state.frozen?.of != planner.stamp { state.frozen = (planner.stamp, planner.frozen(by: freeze)) }
      guard var frozen = state.frozen?.planner else { return planner }
      frozen.prices = planner.prices
      return frozen
    }
  }
}
