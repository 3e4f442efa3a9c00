import Contracts

/// A figure of a live page: which element shows it, what it says, and in which state it is. Of a bar the text is a
/// width.
package struct ConsoleCell: Sendable, Hashable {
  package let id: String
  package let text: String
  /// `ink`, `calm`, `warn` or `bad`; empty for no state, `none` for what is not shown.
  package let state: String

  package init(id: String, text: String, state: String = "") {
    self.id = id
    self.text = text.printable
    self.state = state
  }

  var fields: Fields { ["id": id, "text": text, "state": state] }
}
