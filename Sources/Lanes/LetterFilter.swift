package import Contracts

/// Which letters are meant; nil members mean all.
package struct LetterFilter: Sendable, Hashable {
  /// As their headers say them.
  package var reasons: Set<String>?
  package var userID: String?
  /// Written before this; one that does not say when is not meant.
  package var blockedBefore: Timestamp?

  package init(reasons: Set<String>? = nil, userID: String? = nil, blockedBefore: Timestamp? = nil) {
    self.reasons = reasons
    self.userID = userID
    self.blockedBefore = blockedBefore
  }

  package func includes(_ letter: Letter) -> Bool {
    if let reasons, !reasons.contains(letter.reason) { return false }
    if let userID, letter.userID != userID { return false }
    if let blockedBefore { return letter.writtenAt.map { $0 < blockedBefore } ?? false }
    return true
  }
}
