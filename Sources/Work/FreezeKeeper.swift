import Admission
import Catalog
import Contracts
import Logging
import Synchronization

/// The emergency freeze as this worker knows it. Every wave hears from Redis whether one lasts, so it holds for the next
/// job that is planned anywhere. A Redis that lost its memory says nothing, and then what was known stays. While one
/// lasts that cannot be read, nothing moves either: the last freeze that was known holds on, and where none was, what
/// the policy in force approves of. Safe to share.
final class FreezeKeeper: Sendable {
  private struct State {
    var freeze: Freeze?
    /// Whether the providers have heard of it.
    var isServed = true
    /// Made of the planner with this stamp.
    var frozen: (of: String, planner: Planner)?
    /// Id of the freeze that lasts and could not be read; it is asked for again with every wave.
    var unread: String?
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
    guard let id, state.withLock({ $0.unread != nil || ($0.freeze?.id ?? Self.off) != id }) else { return }
    if id == Self.off { return take(nil) }
    let found = try await desk.freeze()
    guard let now = found.id else { return }
    if now == Self.off { return take(nil) }
    do throws(Freeze.Fault) {
      guard let bytes = found.bytes else { throw Freeze.Fault("Redis does not have it") }
      take(try Freeze(decoding: bytes))
    } catch {
      miss(now, error)
    }
  }

  private func miss(_ id: String, _ fault: Freeze.Fault) {
    let isNew = state.withLock { state in
      defer { state.unread = id }
      return state.unread != id
    }
    guard isNew else { return }
    logger.error(
      "a freeze cannot be read, versions are held as they are; `tollway freeze on` writes it again",
      metadata: [LogKey.error: "\(fault)"])
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
      if state.freeze == nil, let id = state.unread { state.freeze = Self.standIn(for: id, planner.policy) }
      guard let freeze = state.freeze else { return planner }
      if state.frozen?.of != planner.stamp { state.frozen = (planner.stamp, planner.frozen(by: freeze)) }
      guard var frozen = state.frozen?.planner else { return planner }
      frozen.prices = planner.prices
      return frozen
    }
  }

  /// What a freeze made now would hold. Its id is no freeze's.
  private static func standIn(for id: String, _ policy: Policy) -> Freeze {
    Freeze(of: policy, id: "\(id)?", since: Timestamp(milliseconds: 0), by: "", reason: "")
  }
}
