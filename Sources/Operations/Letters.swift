package import Catalog
package import Lanes

/// Dead letters, or blocked jobs: what is done with either. Each call has connections of its own.
package struct Letters: Sendable {
  package let kind: LetterBox.Kind
  private let broker: LaneBroker

  package init(_ kind: LetterBox.Kind, at broker: LaneBroker) {
    self.kind = kind
    self.broker = broker
  }

  /// Oldest first.
  /// - Returns: `isAll`: there are no others.
  package func list(_ filter: LetterFilter, limit: Int) async throws -> (letters: [Letter], isAll: Bool) {
    try await broker.withLetterBox(kind) { box in try await box.list(filter, limit: limit) }
  }

  /// Those of one job, a run each; none where there is no such job among them.
  package func find(_ job: String) async throws -> [(letter: Letter, body: [UInt8])] {
    try await broker.withLetterBox(kind) { box in try await box.letters(of: job) }
  }

  /// Starts new runs.
  /// - Parameter each: told of every chosen letter, after it happened.
  package func replay(
    _ choice: LetterBox.Choice, _ policy: Policy, each: (Letter, LetterBox.Fate) -> Void
  ) async throws {
    try await broker.withLetterBox(kind) { box in
      try await broker.withCourier { courier in
        try await box.replay(
          choice, through: courier, lane: { policy.effectiveTier(assigned: nil, claimed: $0).lane }, each: each)
      }
    }
  }
}
