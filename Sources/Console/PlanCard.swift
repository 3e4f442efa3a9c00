package import Operations

/// Letters that somebody chose, before anything is done with them.
package struct PlanCard: Sendable {
  package var id: String
  package var kind: LettersPage.Kind
  package var count: Int
  /// Distinct ones.
  package var users: Int
  /// Whether scenes of stories are among them.
  package var hasScenes: Bool
  /// At most five.
  package var samples: [LetterRow]
  package var madeAt: String
  package var expiresAt: String

  /// More than these are only done when their number was typed.
  package static let mostUncounted = 10

  package init(
    id: String, kind: LettersPage.Kind, count: Int, users: Int, hasScenes: Bool = false, samples: [LetterRow],
    madeAt: String, expiresAt: String
  ) {
    self.id = id
    self.kind = kind
    self.count = count
    self.users = users
    self.hasScenes = hasScenes
    self.samples = samples
    self.madeAt = madeAt
    self.expiresAt = expiresAt
  }
}
