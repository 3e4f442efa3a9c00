package import Contracts

/// Who asks: an API key, or the local operator of a fleet that has no keys.
package struct Principal: Sendable, Hashable {
  /// Of the key; nil for the local operator.
  package var keyID: String?
  package var scopes: Set<Scope>
  package var users: UserPattern
  /// Of the key, for people.
  package var keyName: String?

  package static let localOperator = Principal(keyID: nil, scopes: [.admin], users: .everybody)

  package func has(_ scope: Scope) -> Bool { scopes.contains(scope) || scopes.contains(.admin) }
}

extension Principal {
  init(_ key: APIKey) { self.init(keyID: key.id, scopes: key.scopes, users: key.users, keyName: key.name) }
}
