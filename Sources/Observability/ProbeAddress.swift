/// Where the probes listen: `TOLLWAY_HTTP`.
package struct ProbeAddress: Sendable, Hashable {
  package let host: String
  package let port: Int

  package struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String
  }

  /// Reads `127.0.0.1:9464` or `[::1]:9464`; nil for `off`.
  package static func reading(_ text: String) throws(Fault) -> ProbeAddress? {
    if text == "off" { return nil }
    let fault = Fault(description: "TOLLWAY_HTTP: must be HOST:PORT with a port of 1 to 65535, or off")
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (1...65535).contains(port)
    else { throw fault }
    var host = text[..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { host = host.dropFirst().dropLast() }
    guard !host.isEmpty, isBracketed == host.contains(":") else { throw fault }
    return ProbeAddress(host: String(host), port: port)
  }

  private init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// The port and the next ones, tried in this order while they are taken.
  var candidates: ClosedRange<Int> { port...min(port + 19, 65535) }
}
