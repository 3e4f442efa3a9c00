/// Who changes something by hand, from where, and why: what every audit keeps.
package struct ActNote: Sendable, Hashable {
  package enum Surface: String, Sendable, CaseIterable { case cli, api, console }

  /// The name of a login, `key:<id>`, or `local` for whoever is on the gateway's machine while there are no keys.
  package var by: String
  /// In their own words; may be empty on the command line.
  package var reason: String
  package var surface: Surface
  /// Of the HTTP request, as the gateway's log has it.
  package var requestID: String?

  package init(by: String, reason: String, surface: Surface, requestID: String? = nil) {
    self.by = by
    self.reason = reason
    self.surface = surface
    self.requestID = requestID
  }
}
