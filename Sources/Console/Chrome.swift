/// What stands around every page: whose fleet it is, who looks, and what they may do.
package struct Chrome: Sendable {
  package enum Role: String, Sendable {
    /// On this machine, in a fleet without keys: may do everything.
    case local
    case admin
    /// Sees everything and changes nothing.
    case read
  }

  package var fleet: String
  /// `local`, or which key.
  package var actor: String
  package var role: Role
  /// Goes with every form that changes something.
  package var token: String
  /// RFC 3339, of what is shown.
  package var time: String
  /// How many stand: the freeze, and providers that are held.
  package var interventions: Int
  /// One sentence on top, about what was just done.
  package var notice: String?

  package init(
    fleet: String, actor: String, role: Role, token: String, time: String, interventions: Int = 0,
    notice: String? = nil
  ) {
    self.fleet = fleet
    self.actor = actor
    self.role = role
    self.token = token
    self.time = time
    self.interventions = interventions
    self.notice = notice
  }

  var mayAct: Bool { role != .read }
}
