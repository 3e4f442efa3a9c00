/// Where Redis is and how long to wait for it. Printing one shows the address only, never the user or the password.
package struct RedisConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
  package var host: String
  /// Default 6379.
  package var port: UInt16
  /// The number given to SELECT. Default 0.
  package var database: Int
  /// Sent with AUTH right after connecting; nil sends no AUTH.
  var credentials: Credentials?
  /// For one TCP connect to one address of the host. Default 2 seconds. Name resolution has the resolver's own limits.
  package var connectTimeout: Duration = .seconds(2)
  /// For one batch, from its first byte sent to its last reply, the EVAL repeat included. A server that
  /// stops reading can stretch it to twice that. Default 2 seconds.
  package var commandDeadline: Duration = .seconds(2)
  /// Batches that may wait for the connection; further ones fail at once. Default 16,384: more than a worker has slots.
  package var queueLimit = 16_384
  /// Shown by CLIENT LIST; printable ASCII without spaces. Default `tollway`.
  package var clientName = "tollway"

  struct Credentials: Sendable, Equatable {
    /// nil: the default user.
    let user: String?
    let password: String
  }

  package var description: String {
    "redis://\(host.contains(":") ? "[\(host)]" : host):\(port)/\(database)"
  }

  package var customMirror: Mirror { Mirror(self, children: ["address": description]) }
}
