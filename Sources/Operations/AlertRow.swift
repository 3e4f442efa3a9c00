import Billing
import Contracts

/// What administrators are told, as JSON: a month that reached a share of its cap, or something that is the matter, or over.
package struct AlertRow: Sendable, Encodable {
  package let id, kind, severity, scope, state, message: String
  /// What to do; nil where nothing is left to do.
  @OrNull package var action: String? = nil
  /// When it was raised; of something that is over, when that was.
  package let time: String
  /// Of a month `2026-11`; of something that is the matter, since when it is.
  package let period: String

  init(_ alert: StoredAlert) throws(LedgerError) {
    let body: JSONValue
    do throws(JSONFault) {
      body = try JSONParser.parse(alert.body).root
    } catch {
      throw LedgerError(.corrupt, "alert.body is not JSON")
    }
    func text(_ member: String) -> String { body[member]?.string ?? "" }
    id = alert.id
    kind = text("kind")
    severity = text("severity")
    scope = text("scope")
    state = text("state")
    message = text("message")
    action = body["action"]?.string
    time = text("time")
    period = text("period")
  }
}
