/// Where the broker is and how to talk to it. The description leaves the password out.
package struct AMQPConfiguration: Sendable, CustomStringConvertible {
  package struct TLS: Sendable {
    /// PEM file of the authorities to trust; by default the system's bundle.
    package var authorities = "/etc/ssl/certs/ca-certificates.crt"
    /// PEM file of the client's own certificate chain; needs `key`.
    package var certificate: String?
    package var key: String?
    /// Check the broker's certificate and its host name. Off only for experiments.
    package var verifies = true
  }

  package var host = "127.0.0.1"
  package var port = 5672
  package var virtualHost = "/"
  package var user = "guest"
  var password = "guest"
  /// nil speaks plain TCP.
  package var tls: TLS?
  /// What the broker's management shows as the connection's name.
  package var name = "tollway"
  /// Our own version, shown beside the name.
  package var version = "0.1.0"
  /// Seconds, 1 to 3600. A peer without a sign of life for two of them is dead.
  package var heartbeatSeconds = 15
  /// For the name look-up, the TCP and TLS handshake together, and again for the AMQP login and each administrative
  /// call.
  package var timeout: Duration = .seconds(5)
  /// A body larger than this is skimmed, never held: see `AMQPDelivery.oversize`.
  package var maxBodyBytes = 1 << 20

  /// Reads `amqp://user:password@host:port/vhost?option=value` (`amqps` for TLS), each part percent-decoded and
  /// optional; no virtual host, or an empty one, is `/`. Options as in
  /// https://www.rabbitmq.com/docs/uri-query-parameters: `cacertfile`, `certfile`, `keyfile`, `verify` (`verify_peer`,
  /// `verify_none`), `heartbeat` (seconds), `connection_timeout` (milliseconds). Throws `.configuration`; the message
  /// never quotes the user's part.
  package init(url: String, name: String = "tollway") throws(AMQPError) {
    self.name = name
    let parts = try AMQPURL(url)
    switch parts.scheme {
    case "amqp": break
    case "amqps":
      tls = TLS()
      port = 5671
    default: throw .configuration("the AMQP URL must begin with amqp:// or amqps://")
    }
    if let host = parts.host { self.host = host }
    if let port = parts.port { self.port = port }
    if let user = parts.user { self.user = user }
    if let password = parts.password { self.password = password }
    if let virtualHost = parts.path, !virtualHost.isEmpty { self.virtualHost = virtualHost }
    for (key, value) in parts.options { try apply(option: key, value: value) }
    if tls?.certificate == nil, tls?.key != nil { throw .configuration("AMQP URL: keyfile needs certfile") }
    if tls?.certificate != nil, tls?.key == nil { throw .configuration("AMQP URL: certfile needs keyfile") }
  }

  private mutating func apply(option: String, value: String) throws(AMQPError) {
    func number(_ range: ClosedRange<Int>) throws(AMQPError) -> Int {
      guard let number = Int(value), range.contains(number) else {
        throw .configuration("AMQP URL: \(option) must be a number from \(range.lowerBound) to \(range.upperBound)")
      }
      return number
    }
    switch option {
    case "heartbeat": heartbeatSeconds = try number(1...3600)
    case "connection_timeout": timeout = .milliseconds(try number(1...600_000))
    case "cacertfile", "certfile", "keyfile", "verify":
      guard tls != nil else { throw .configuration("AMQP URL: \(option) needs amqps://") }
      try applyTLS(option: option, value: value)
    default:
      // Not quoted: an unescaped ? in a password would land here.
      throw .configuration(
        "AMQP URL: unknown option; known are cacertfile, certfile, keyfile, verify, heartbeat, connection_timeout")
    }
  }

  private mutating func applyTLS(option: String, value: String) throws(AMQPError) {
    switch (option, value) {
    case ("cacertfile", _): tls?.authorities = value
    case ("certfile", _): tls?.certificate = value
    case ("keyfile", _): tls?.key = value
    case ("verify", "verify_peer"): tls?.verifies = true
    case ("verify", "verify_none"): tls?.verifies = false
    default: throw .configuration("AMQP URL: verify must be verify_peer or verify_none")
    }
  }

  package var description: String {
    let address = host.contains(":") ? "[\(host)]" : host
    return "\(tls == nil ? "amqp" : "amqps")://\(user)@\(address):\(port)/\(virtualHost == "/" ? "" : virtualHost)"
  }
}
