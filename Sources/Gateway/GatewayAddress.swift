/// Where the gateway listens: `TOLLWAY_GATEWAY`.
package struct GatewayAddress: Sendable, Hashable, CustomStringConvertible {
  package let host: String
  package let port: Int

  package struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String
  }

  /// Reads `127.0.0.1:8080` or `[::1]:8080`; port 0 lets the system choose.
  package init(reading text: String) throws(Fault) {
    guard let (host, port) = Self.parts(of: text), let port else {
      throw Fault(description: "TOLLWAY_GATEWAY: must be HOST:PORT with a port of 0 to 65535")
    }
    self.init(host: host, port: port)
  }

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Whether only programs on this machine reach it. A name is not trusted to mean that, but for `localhost`.
  package var isLoopback: Bool { Self.isLoopback(host) }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Whether a `Host` field names this machine as it names itself. A page of another site that made its own name point
  /// here does not.
  static func isLoopback(authority: String) -> Bool {
    parts(of: authority).map { isLoopback($0.host) } ?? false
  }

  private static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host == "::1" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// The port is nil where none is written; nil for what is no authority.
  private static func parts(of text: String) -> (host: String, port: Int?)? {
    var host = Substring(text)
    var port: Int?
    if let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") {
      guard let number = Int(text[text.index(after: colon)...]), (0...65535).contains(number) else { return nil }
      port = number
      host = text[..<colon]
    }
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { host = host.dropFirst().dropLast() }
    guard !host.isEmpty, isBracketed == host.contains(":") else { return nil }
    return (String(host), port)
  }
}
