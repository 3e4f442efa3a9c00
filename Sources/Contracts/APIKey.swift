import Crypto

/// What is kept of an API key: everything but its secret, of which only the SHA-256 is known. A secret has 256 random
/// bits, so that a slow hash would protect nothing more.
package struct APIKey: Sendable, Hashable {
  /// 12 characters of `0-9 a-z`; part of the secret, so that a key is found without trying all.
  package var id: String
  /// For people.
  package var name: String
  /// SHA-256 of the whole secret, 64 hexadecimal digits.
  package var hash: String
  package var scopes: Set<Scope>
  package var users: UserPattern
  package var isRevoked: Bool

  package init(
    id: String, name: String, hash: String, scopes: Set<Scope>, users: UserPattern, isRevoked: Bool = false
  ) {
    self.id = id
    self.name = name
    self.hash = hash
    self.scopes = scopes
    self.users = users
    self.isRevoked = isRevoked
  }

  /// A new key and its secret, `tw_<id>_<43 characters of base64url>`, which is shown once and never again.
  package static func make(name: String, scopes: Set<Scope>, users: UserPattern) -> (key: APIKey, secret: String) {
    let digits = Array("0123456789abcdefghijklmnopqrstuvwxyz")
    var random = SystemRandomNumberGenerator()
    let id = String((0..<idLength).map { _ in digits[Int.random(in: 0..<digits.count, using: &random)] })
    let secret = "tw_\(id)_\(SymmetricKey(size: .bits256).withUnsafeBytes { Identifier.base64url(bytes: $0) })"
    return (APIKey(id: id, name: name, hash: hash(of: secret), scopes: scopes, users: users), secret)
  }

  /// The id inside a secret; nil for anything that cannot be one.
  package static func id(in secret: String) -> String? {
    let bytes = Array(secret.utf8)
    guard bytes.count == 3 + idLength + 1 + 43, secret.hasPrefix("tw_"), bytes[3 + idLength] == UInt8(ascii: "_") else {
      return nil
    }
    let id = bytes[3..<3 + idLength]
    let isPlain = id.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
    return isPlain ? String(decoding: id, as: UTF8.self) : nil
  }

  /// What somebody means who names a key by its id or by its secret, however much of that came with it.
  package static func idMeant(by text: String) -> String {
    let text = text.filter { !$0.isWhitespace }
    guard text.hasPrefix("tw_") else { return text }
    return String(text.dropFirst(3).prefix { $0 != "_" })
  }

  /// In a time that does not depend on where the two differ.
  package func isOpened(by secret: String) -> Bool {
    let given = Self.hash(of: secret).utf8
    guard given.count == hash.utf8.count else { return false }
    return zip(given, hash.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }

  private static let idLength = 12

  private static func hash(of secret: String) -> String {
    Identifier.hex(bytes: Array(SHA256.hash(data: Array(secret.utf8))))
  }
}

extension APIKey {
  /// The form of the copy in Redis: an object with the members `id`, `name`, `hash`, `scopes`, `users`, `revoked`. The
  /// same key gives the same bytes.
  package func encoded() -> [UInt8] {
    var json = JSONWriter(capacity: 256)
    json.literal("{")
    json.member("id", id)
    json.member("name", name)
    json.member("hash", hash)
    json.key("scopes")
    json.literal("[")
    for (index, scope) in Scope.allCases.filter(scopes.contains).enumerated() {
      if index > 0 { json.literal(",") }
      json.string(scope.rawValue)
    }
    json.literal("]")
    json.member("users", users.description)
    json.key("revoked")
    if isRevoked { json.literal("true") } else { json.literal("false") }
    json.literal("}")
    return json.bytes
  }

  /// Nil for bytes that are no key; a scope that is not known grants nothing.
  package init?(decoding bytes: [UInt8]) {
    let root: JSONValue
    do { root = try JSONParser.parse(bytes).root } catch { return nil }
    guard let id = root["id"]?.string, let name = root["name"]?.string, let hash = root["hash"]?.string,
      let users = root["users"]?.string.flatMap({ UserPattern($0) }), let isRevoked = root["revoked"]?.bool
    else { return nil }
    let scopes = (root["scopes"]?.elements ?? []).compactMap { $0.string.flatMap(Scope.init(rawValue:)) }
    self.init(id: id, name: name, hash: hash, scopes: Set(scopes), users: users, isRevoked: isRevoked)
  }
}
