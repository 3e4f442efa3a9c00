package import Contracts

/// An API key as the ledger has it: what is kept of the key, who made it and why, and when it was revoked.
package struct IssuedKey: Sendable, Hashable {
  package var key: APIKey
  package var createdAt: Timestamp
  /// Who made it and why, in their own words.
  package var createdBy: String
  package var reason: String
  /// Nil for a key that may come in.
  package var revokedAt: Timestamp?

  package init(key: APIKey, createdAt: Timestamp, createdBy: String, reason: String, revokedAt: Timestamp?) {
    self.key = key
    self.createdAt = createdAt
    self.createdBy = createdBy
    self.reason = reason
    self.revokedAt = revokedAt
  }
}

/// One line of the audit. Lines are only ever added.
package struct KeyChange: Sendable, Hashable {
  package enum Kind: String, Sendable { case create, revoke }

  package var keyID: String
  package var kind: Kind
  package var changedAt: Timestamp
  package var changedBy: String
  package var reason: String

  package init(keyID: String, kind: Kind, changedAt: Timestamp, changedBy: String, reason: String) {
    self.keyID = keyID
    self.kind = kind
    self.changedAt = changedAt
    self.changedBy = changedBy
    self.reason = reason
  }
}
