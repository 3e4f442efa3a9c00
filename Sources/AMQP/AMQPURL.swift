/// The parts of `scheme://user:password@host:port/path?option=value`, percent-decoded. By hand, because Foundation's
/// URL quotes what it cannot read in its errors, and what it cannot read may be a password.
struct AMQPURL {
  var scheme = ""
  var user: String?
  var password: String?
  var host: String?
  var port: Int?
  var path: String?
  var options: [(key: String, value: String)] = []

  init(_ text: String) throws(AMQPError) {
    var rest = text.utf8[...]
    guard let colon = rest.firstIndex(of: UInt8(ascii: ":")), rest[colon...].starts(with: "://".utf8) else {
      throw .configuration("the AMQP URL must look like amqp://user:password@host:5672/vhost")
    }
    scheme = String(decoding: rest[..<colon], as: UTF8.self).lowercased()
    rest = rest[rest.index(colon, offsetBy: 3)...]

    if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
      try readOptions(rest[rest.index(after: mark)...])
      rest = rest[..<mark]
    }
    if let slash = rest.firstIndex(of: UInt8(ascii: "/")) {
      path = try Self.decoded(rest[rest.index(after: slash)...], "virtual host")
      rest = rest[..<slash]
    }
    if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
      let login = rest[..<at]
      let colon = login.firstIndex(of: UInt8(ascii: ":"))
      user = try Self.decoded(login[..<(colon ?? at)], "user")
      if let colon { password = try Self.decoded(login[login.index(after: colon)...], "password") }
      rest = rest[rest.index(after: at)...]
    }
    try readAddress(rest)
  }

  private mutating func readAddress(_ text: Substring.UTF8View) throws(AMQPError) {
    var name = text
    var digits: Substring.UTF8View?
    if text.first == UInt8(ascii: "["), let bracket = text.firstIndex(of: UInt8(ascii: "]")) {
      name = text[text.index(after: text.startIndex)..<bracket]
      let after = text[text.index(after: bracket)...]
      guard after.isEmpty || after.first == UInt8(ascii: ":") else {
        throw .configuration("AMQP URL: after an address in brackets only a port may follow")
      }
      digits = after.isEmpty ? nil : after.dropFirst()
    } else if let colon = text.lastIndex(of: UInt8(ascii: ":")) {
      name = text[..<colon]
      digits = text[text.index(after: colon)...]
    }
    if let digits, !digits.isEmpty {
      guard let port = Int(String(decoding: digits, as: UTF8.self)), (1...65_535).contains(port) else {
        throw .configuration("AMQP URL: the port must be a number from 1 to 65535")
      }
      self.port = port
    }
    if !name.isEmpty { host = try Self.decoded(name, "host") }
  }

  private mutating func readOptions(_ text: Substring.UTF8View) throws(AMQPError) {
    for option in text.split(separator: UInt8(ascii: "&")) {
      guard let equals = option.firstIndex(of: UInt8(ascii: "=")) else {
        throw .configuration("AMQP URL: an option without a value")
      }
      let key = try Self.decoded(option[..<equals], "option")
      options.append((key, try Self.decoded(option[option.index(after: equals)...], "option")))
    }
  }

  /// Refuses NUL, which would cut the value short on its way through C.
  private static func decoded(_ text: Substring.UTF8View, _ part: String) throws(AMQPError) -> String {
    var bytes: [UInt8] = []
    var index = text.startIndex
    while index < text.endIndex {
      var byte = text[index]
      if byte == UInt8(ascii: "%") {
        let digits = text[index...].dropFirst().prefix(2).compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == 2 else {
          throw .configuration("AMQP URL: the \(part) has a % that is not followed by two hexadecimal digits")
        }
        byte = UInt8(digits[0] << 4 | digits[1])
        index = text.index(index, offsetBy: 2)
      }
      guard byte != 0 else { throw .configuration("AMQP URL: the \(part) has a NUL character") }
      bytes.append(byte)
      index = text.index(after: index)
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else {
      throw .configuration("AMQP URL: the \(part) is not UTF-8")
    }
    return decoded
  }
}
