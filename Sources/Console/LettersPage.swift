package import Operations

/// What the page of dead or of blocked jobs is made of.
package struct LettersPage: Sendable {
  package enum Kind: String, Sendable {
    case dead, blocked

    /// What is done with them.
    var verb: String { self == .dead ? "replay" : "release" }
    /// Of its page, and of the list that a plan leads back to.
    var title: String { self == .dead ? "Dead" : "Blocked" }
  }

  package var kind: Kind
  /// Oldest first, those that the filters let through.
  package var letters: [LetterRow]
  /// Whether there are no others.
  package var isAll: Bool
  /// Filters; nil lets all through.
  package var reason: String?
  package var user: String?

  package init(
    kind: Kind, letters: [LetterRow], isAll: Bool, reason: String? = nil, user: String? = nil
  ) {
    self.kind = kind
    self.letters = letters
    self.isAll = isAll
    self.reason = reason
    self.user = user
  }
}
