/// The rules for a provider's `base_url` and for other addresses that we call: `https`, or `http` where the wire never
/// leaves what the operator named; a host; no key inside the address.
package enum BaseURL {
  /// What is wrong, nil when nothing is. The address is not repeated.
  package static func fault(in text: String, plainHTTPHosts: Set<String>, allowsQuery: Bool = false) -> String? {
    let isSecure = text.hasPrefix("https://")
    guard isSecure || text.hasPrefix("http://") else { return "must start with https://" }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      return "must not contain spaces or special characters"
    }
    let rest = text.dropFirst(isSecure ? 8 : 7)
    guard !rest.contains("#"), allowsQuery || !rest.contains("?") else {
      return "must not have a query or a fragment"
    }
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    guard !authority.contains("@") else { return "must not contain a user or a key; use api_key_env" }
    guard let host = host(of: authority) else { return "must name a host, like https://api.example.com/v1" }
    if isSecure || isLoopback(host) || plainHTTPHosts.contains(host) { return nil }
    return "must start with https://; plain http is for loopback and for hosts listed in allow_http"
  }

  /// Lower case, without port and brackets.
  private static func host(of authority: Substring) -> String? {
    var host = authority
    var port: Substring?
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { return nil }
      host = authority[authority.index(after: authority.startIndex)..<end]
      let behind = authority[authority.index(after: end)...]
      guard behind.isEmpty || behind.hasPrefix(":") else { return nil }
      if !behind.isEmpty { port = behind.dropFirst() }
    } else if let colon = authority.firstIndex(of: ":") {
      host = authority[..<colon]
      port = authority[authority.index(after: colon)...]
    }
    if let port, !(1...65_535).contains(Int(port) ?? 0) { return nil }
    return host.isEmpty ? nil : host.lowercased()
  }

  /// `localhost`, `::1` and 127.0.0.0/8. A name that merely begins with `127.` is not one of them.
  private static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host == "::1" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}
