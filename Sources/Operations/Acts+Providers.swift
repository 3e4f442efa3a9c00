import Admission
package import Billing
import Catalog

/// What was the matter with a provider that was let in again.
package enum ProviderRelease: Sendable, Hashable {
  case held(ProviderHold)
  /// It, or models of it, rested by themselves.
  case rested
  case nothing
}

extension Acts {
  /// Every provider of the policy, with who holds it and why.
  package func providers() async throws -> ProviderBoard {
    let (now, breakers) = try await desk.breakers()
    return ProviderBoard(
      policy: try policy(), breakers: breakers, holds: try await interventions.holds.list(), now: now)
  }

  /// Takes a provider of the policy out of service. One that is held already stays held as it is; Redis knows afterwards in
  /// any case: an earlier try may have failed between the two.
  package func hold(_ provider: String, _ note: ActNote) async throws -> (hold: ProviderHold, isNew: Bool) {
    try require(provider, isOut: false)
    let interventions = interventions
    let held = try await interventions.holds.hold(provider, by: note.by, reason: note.reason)
    try await NotCopied.around { try await interventions.copyHolds() }
    return held
  }

  /// Lets a provider serve again, whatever it was held or rests for, its models too.
  /// - Parameter provider: of the policy, or one that is still held or rests.
  package func release(_ provider: String, _ note: ActNote) async throws -> ProviderRelease {
    let interventions = interventions
    let isHeld = try await interventions.holds.list().contains { $0.provider == provider }
    let out = try await desk.breakers().1.filter { ProviderBoard.provider(of: $0.key) == provider }
    try require(provider, isOut: isHeld || !out.isEmpty)
    let hold = try await interventions.holds.release(
      provider, endsRest: out.values.contains { $0.reason != .hand }, by: note.by, reason: note.reason)
    try await NotCopied.around {
      try await interventions.copyHolds()
      for scope in out.keys.sorted() { _ = try await desk.release(scope) }
    }
    return hold.map { .held($0) } ?? (out.isEmpty ? .nothing : .rested)
  }

  private func require(_ provider: String, isOut: Bool) throws {
    let known = try policy().providers.keys
    guard known.contains(provider) || isOut else {
      throw ActRefusal.unknownProvider(provider, known: known.sorted())
    }
  }
}
