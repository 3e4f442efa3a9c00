/// What an API key may do. `admin` includes the others.
package enum Scope: String, Sendable, Hashable, CaseIterable {
  case submit, read, admin
}
