import Console
import Contracts

/// Of somebody who looks at the console.
struct ConsoleVisit: Sendable {
  /// Goes with every form.
  var formToken: String
  /// Nil for those who show their key with every request, and for the local operator.
  var session: String?
}

extension Principal {
  /// What the pages offer; every change is checked again where it is made.
  var role: Chrome.Role {
    guard keyID != nil else { return .local }
    return has(.admin) ? .admin : .read
  }
}
