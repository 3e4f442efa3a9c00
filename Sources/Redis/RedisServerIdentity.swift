/// Which server process a connection talks to. A restart changes the run_id; so does a failover.
package struct RedisServerIdentity: Sendable, Equatable {
  /// 40 hexadecimal digits on Redis and Valkey; new with every start of the server.
  package let runID: String
  /// `redis`, or what a server that is compatible with it calls itself (`valkey`).
  package let product: String
  /// Of the product: `7.0.15`.
  package let version: String

  /// Reads the text of `INFO server`; nil when it names no run_id or version.
  init?(info: String) {
    var fields: [Substring: Substring] = [:]
    for line in info.split(whereSeparator: \.isNewline) {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { fields[parts[0]] = parts[1] }
    }
    let product = fields["server_name"] ?? "redis"
    guard let runID = fields["run_id"], let version = fields["\(product)_version"] ?? fields["redis_version"] else {
      return nil
    }
    self.runID = String(runID)
    self.product = String(product)
    self.version = String(version)
  }
}
