import CHiredis

/// Reads `redis://[user:password@]host[:port][/database]`. Pure; no part of the URL is repeated in an error, because
/// any part may be a piece of a password that was not percent-encoded.
extension RedisConfiguration {
  /// `key` names the setting in error messages. Throws `configuration` errors only, each permanent and with the fix.
  package init(url: String, key: String = "TOLLWAY_REDIS_URL") throws(RedisError) {
    func refusal(_ problem: String) -> RedisError { RedisError(.configuration, "\(key): \(problem)", .permanent) }
    let form = "write redis://user:password@host:port/database"

    guard let scheme = url.firstRange(of: "://") else { throw refusal("this is no URL; \(form)") }
    switch url[..<scheme.lowerBound].lowercased() {
    case "redis": break
    case "rediss": throw refusal(RedisConfiguration.noTLS)
    case "redis+sentinel", "rediss+sentinel":
      throw refusal("sentinel is not yet supported; name the primary itself: redis://host:port/database")
    default: throw refusal("the scheme is not redis://; \(form)")
    }
    let rest = url[scheme.upperBound...]
    if rest.contains("?") || rest.contains("#") {
      throw refusal("there are no options after the database; inside a password write ? as %3F and # as %23")
    }

    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    let authority = rest[..<slash]
    let at = authority.lastIndex(of: "@")
    let address = at.map { authority[authority.index(after: $0)...] } ?? authority
    guard let (host, port) = RedisConfiguration.hostAndPort(address) else {
      throw refusal("host or port is missing or malformed; \(form), with / @ : inside a password as %2F %40 %3A")
    }
    self.host = host
    self.port = port

    let path = rest[slash...].dropFirst()
    if path.isEmpty {
      database = 0
    } else if let number = UInt16(path), path.first != "+" {
      database = Int(number)
    } else {
      throw refusal("the database after the last / is not a number; \(form)")
    }

    guard let at else { return }
    let parts = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let user = percentDecoded(parts[0]), let password = percentDecoded(parts[1]),
      !password.isEmpty
    else {
      throw refusal("before the @ stands user:password (or :password), percent-encoded; \(form)")
    }
    credentials = Credentials(user: user.isEmpty ? nil : user, password: password)
  }

  private static var noTLS: String {
    let library = "hiredis \(HIREDIS_MAJOR).\(HIREDIS_MINOR).\(HIREDIS_PATCH)"
    let reason =
      tollway_hiredis_has_tls() == 0
      ? "the linked \(library) has no TLS" : "the TLS of \(library), which may skip the host name check, is not used"
    return "rediss:// cannot be used: \(reason); use redis:// on a private network or through a TLS tunnel on this host"
  }

  private static func hostAndPort(_ address: Substring) -> (host: String, port: UInt16)? {
    var host = address
    var port: Substring = "6379"
    if address.first == "[" {
      guard let close = address.firstIndex(of: "]") else { return nil }
      host = address[address.index(after: address.startIndex)..<close]
      let after = address[address.index(after: close)...]
      if !after.isEmpty {
        guard after.first == ":" else { return nil }
        port = after.dropFirst()
      }
      guard host.contains(":") else { return nil }
    } else if let colon = address.firstIndex(of: ":") {
      host = address[..<colon]
      port = address[address.index(after: colon)...]
    }
    let isPlain = host.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: ":"):
        true
      default: false
      }
    }
    guard !host.isEmpty, isPlain, port.first != "+", let number = UInt16(port), number > 0 else { return nil }
    return (String(host), number)
  }
}

/// nil for a % without two hexadecimal digits, for a zero byte, and for what is not UTF-8 afterwards.
private func percentDecoded(_ text: Substring) -> String? {
  var output: [UInt8] = []
  var rest = Array(text.utf8)[...]
  while let byte = rest.popFirst() {
    if byte == UInt8(ascii: "%") {
      let digits = rest.prefix(2)
      guard digits.count == 2, digits.first != UInt8(ascii: "+"),
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
      else { return nil }
      rest = rest.dropFirst(2)
      output.append(value)
    } else {
      output.append(byte)
    }
  }
  return output.contains(0) ? nil : String(validating: output, as: UTF8.self)
}
