import Admission
import Catalog
import Contracts
import Operations

/// What somebody did by hand, or what providers did to themselves, so that jobs do not go where the policy file sends
/// them: a freeze, and providers that rest or are held.
struct RoutingChecks {
  let wires: Wires

  func run(_ checkup: inout Checkup) async throws {
    try await freeze(&checkup)
    let (now, breakers) = try await wires.desk.breakers()
    for breaker in breakers.values.sorted(by: { $0.scope < $1.scope }) { Self.judge(breaker, now, &checkup) }
  }

  private func freeze(_ checkup: inout Checkup) async throws {
    let (id, bytes) = try await wires.desk.freeze()
    guard let id, id != AdmissionDesk.noFreeze else { return }
    do throws(Freeze.Fault) {
      guard let bytes else { throw Freeze.Fault("what it holds is not in Redis") }
      Self.judge(try Freeze(decoding: bytes), &checkup)
    } catch {
      checkup.fail("freeze", "is on, and workers cannot read it: \(error)", "tollway freeze on writes it again")
    }
  }

  static func judge(_ freeze: Freeze, _ checkup: inout Checkup) {
    let reason = freeze.reason.isEmpty ? "" : " (\(freeze.reason))"
    checkup.warn(
      "freeze", "on since \(freeze.since) by \(freeze.by)\(reason): \(freeze.models.count) versions are held",
      "tollway freeze off, when what led to it is over")
  }

  static func judge(_ breaker: BreakerState, _ now: Timestamp, _ checkup: inout Checkup) {
    let provider = ProviderBoard.provider(of: breaker.scope)
    let next = breaker.isProbed || breaker.retryAt <= now ? "now" : "in \(now.words(until: breaker.retryAt))"
    let rests = "rests since \(breaker.since), next try \(next)"
    let release = "tollway providers release \(provider)"
    switch breaker.reason {
    case .failures:
      checkup.warn(
        breaker.scope, "at least half of its calls failed: it \(rests)", "it comes back by itself when a call succeeds")
    case .rate:
      checkup.warn(breaker.scope, "it asked to be left alone: it \(rests)", "it comes back by itself")
    case .account:
      checkup.warn(breaker.scope, "it refuses the key or the account: it \(rests)", "correct the key, then \(release)")
    case .funds:
      checkup.warn(breaker.scope, "no money is left there: it \(rests)", "pay there, then \(release)")
    case .gone:
      checkup.warn(
        breaker.scope, "the provider no longer has this model: it \(rests)",
        "take it out of models in the policy file, or \(release) if it is back")
    case .hand:
      checkup.warn(breaker.scope, "held by hand since \(breaker.since)", release)
    }
  }
}
