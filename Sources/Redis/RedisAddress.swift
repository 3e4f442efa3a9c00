/// A TCP endpoint. Printed it has the form it has in a URL.
struct RedisAddress: Sendable, Hashable, CustomStringConvertible {
  /// A name, or an address; one of version six without brackets.
  let host: String
  let port: UInt16

  var description: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}
