import CHiredis

/// Reads the two forms of the URL:
///
///     redis://[user:password@]host[:6379][/database]
///     redis+sentinel://[user:password@]host[:26379][,host[:26379]...]/name[/database][?sentinel_password=password]
///
/// In the second, the hosts are sentinels, `name` is what they call the primary, and user and password are those of the
/// Redis servers. Pure; no part of the URL is repeated in an error, because any part may be a piece of a password that
/// was not percent-encoded.
extension RedisConfiguration {
  /// `key` names the setting in error messages. Throws `configuration` errors only, each permanent and with the fix.
  package init(url: String, key: String = "TOLLWAY_REDIS_URL") throws(RedisError) {
    func refusal(_ problem: String) -> RedisError { RedisError(.configuration, "\(key): \(problem)", .permanent) }
    var form = "write redis://user:password@host:port/database"

    guard let scheme = url.firstRange(of: "://") else { throw refusal("this is no URL; \(form)") }
    let hasSentinels: Bool
    switch url[..<scheme.lowerBound].lowercased() {
    case "redis": hasSentinels = false
    case "redis+sentinel":
      hasSentinels = true
      form = "write redis+sentinel://user:password@host:port,host:port,host:port/name/database"
    case "rediss", "rediss+sentinel": throw refusal(RedisConfiguration.noTLS)
    default: throw refusal("the scheme is neither redis:// nor redis+sentinel://; \(form)")
    }
    let parts = url[scheme.upperBound...].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let (rest, options) = (parts[0], parts.dropFirst().first)
    if url.contains("#") || (options != nil && !hasSentinels) {
      throw refusal("there are no options after the database; inside a password write ? as %3F and # as %23")
    }

    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    let authority = rest[..<slash]
    let at = authority.lastIndex(of: "@")
    let hosts = at.map { authority[authority.index(after: $0)...] } ?? authority
    let texts = hosts.split(separator: ",", omittingEmptySubsequences: false)
    let addresses = texts.compactMap { RedisAddress(urlText: $0, defaultPort: hasSentinels ? 26379 : 6379) }
    guard addresses.count == texts.count, hasSentinels || texts.count == 1 else {
      throw refusal("host or port is missing or malformed; \(form), with / @ : ? inside a password as %2F %40 %3A %3F")
    }

    var path = rest[slash...].dropFirst()
    if hasSentinels {
      guard let name = percentDecoded(path.prefix { $0 != "/" }), !name.isEmpty else {
        throw refusal("the name that the sentinels give the primary is missing; \(form)")
      }
      let password = options.flatMap(RedisConfiguration.sentinelPassword)
      guard options == nil || password != nil else {
        throw refusal("the only option is ?sentinel_password=, percent-encoded, for the sentinels themselves; \(form)")
      }
      location = .sentinels(RedisSentinels(addresses: addresses, primaryName: name, password: password))
      path = path.drop { $0 != "/" }.dropFirst()
    } else {
      location = .server(addresses[0])
    }

    if path.isEmpty {
      database = 0
    } else if let number = UInt16(path), path.first != "+" {
      database = Int(number)
    } else {
      throw refusal("the database after the last / is not a number; \(form)")
    }

    guard let at else {
      credentials = nil
      return
    }
    let pair = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard pair.count == 2, let user = percentDecoded(pair[0]), let password = percentDecoded(pair[1]),
      !password.isEmpty
    else {
      throw refusal("before the @ stands user:password (or :password), percent-encoded; \(form)")
    }
    credentials = Credentials(user: user.isEmpty ? nil : user, password: password)
  }

  private static func sentinelPassword(in options: Substring) -> String? {
    let pair = options.split(separator: "=", maxSplits: 1)
    guard pair.count == 2, pair[0] == "sentinel_password", !pair[1].contains("&") else { return nil }
    return percentDecoded(pair[1])
  }

  private static var noTLS: String {
    let library = "hiredis \(HIREDIS_MAJOR).\(HIREDIS_MINOR).\(HIREDIS_PATCH)"
    let reason =
      tollway_hiredis_has_tls() == 0
      ? "the linked \(library) has no TLS" : "the TLS of \(library), which may skip the host name check, is not used"
    return "rediss:// cannot be used: \(reason); use redis:// on a private network or through a TLS tunnel on this host"
  }
}

extension RedisAddress {
  /// Reads `host`, `host:port` or `[address]:port`; nil for what is neither.
  fileprivate init?(urlText address: Substring, defaultPort: UInt16) {
    var host = address
    var port = Substring("\(defaultPort)")
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
    self.init(host: String(host), port: number)
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
