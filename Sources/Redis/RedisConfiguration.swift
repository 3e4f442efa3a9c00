/// Where Redis is and how long to wait for it. Printing one shows addresses only, never a user or a password.
package struct RedisConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
  let location: RedisLocation
  /// The number given to SELECT. Default 0.
  let database: Int
  /// Sent with AUTH to the Redis server right after connecting; nil sends no AUTH.
  let credentials: Credentials?
  /// For one TCP connect to one address of the host. Default 2 seconds. Name resolution has the resolver's own limits.
  package var connectTimeout: Duration = .seconds(2)
  /// For one TCP connect to a sentinel, and again for its answer. Default 0.5 seconds: the next one may know as well.
  package var sentinelDeadline: Duration = .milliseconds(500)
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
    switch location {
    case .server(let address): "redis://\(address)/\(database)"
    case .sentinels(let sentinels):
      "redis+sentinel://\(sentinels.addresses.map(\.description).joined(separator: ","))"
        + "/\(sentinels.primaryName)/\(database)"
    }
  }

  package var customMirror: Mirror { Mirror(self, children: ["address": description]) }
}
