import Billing
import Contracts
import Logging

/// What an alert says, for people: read from its message, which every receiver gets.
struct AlertText {
  let kind: String
  let severity: String
  let scope: String
  let message: String
  let action: String?
  let isOver: Bool

  init(_ alert: StoredAlert) {
    var root: JSONValue?
    do { root = try JSONParser.parse(alert.body).root } catch { root = nil }
    func text(_ key: String) -> String? { root?[key]?.string }
    kind = text("kind") ?? alert.routingKey
    severity = text("severity") ?? "error"
    scope = text("scope") ?? ""
    message = text("message") ?? kind
    action = text("action")
    isOver = text("state") == "recovered"
  }

  var level: Logger.Level {
    switch severity {
    case "info": .info
    case "warning": .warning
    default: .error
    }
  }

  /// As Slack and what is compatible with it show it. What stands for markup there is escaped, so that no name of a user
  /// or a model can call a whole channel.
  var chat: String {
    let lines = "[\(isOver ? "over" : severity)] \(message)" + (action.map { "\nWhat to do: \($0)" } ?? "")
    return lines.reduce(into: "") { text, character in
      switch character {
      case "&": text += "&amp;"
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      default: text.append(character)
      }
    }
  }
}
