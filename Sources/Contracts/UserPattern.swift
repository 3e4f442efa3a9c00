/// Which users a key may act for: one user id, all that begin with a prefix (`studio-*`), or everybody (`*`).
package struct UserPattern: Sendable, Hashable, CustomStringConvertible {
  package static let everybody = UserPattern(prefix: "", isExact: false)

  private let prefix: String
  private let isExact: Bool

  private init(prefix: String, isExact: Bool) {
    self.prefix = prefix
    self.isExact = isExact
  }

  /// Nil for what no user id can begin with, and for stars anywhere but at the end.
  package init?(_ text: String) {
    let isExact = !text.hasSuffix("*")
    let prefix = isExact ? text : String(text.dropLast())
    guard Identifier.isValid(prefix) || (prefix.isEmpty && !isExact) else { return nil }
    self.init(prefix: prefix, isExact: isExact)
  }

  package func allows(_ user: String) -> Bool {
    isExact ? user.utf8.elementsEqual(prefix.utf8) : user.utf8.starts(with: prefix.utf8)
  }

  package var isEverybody: Bool { !isExact && prefix.isEmpty }

  package var description: String { isExact ? prefix : prefix + "*" }
}
