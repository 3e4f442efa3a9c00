/// The one rule for user and job ids: 1 to 128 characters of `A-Z a-z 0-9 . _ : @ -`.
package enum Identifier {
  package static let maximumLength = 128

  package static func isValid(_ text: String) -> Bool {
    let bytes = text.utf8
    guard (1...maximumLength).contains(bytes.count) else { return false }
    return bytes.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"),
        UInt8(ascii: "@"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
  }

  /// What a user id looks like inside a Redis key.
  package static func base64url(_ text: String) -> String { base64url(bytes: text.utf8) }

  /// Two digits of `0-9 a-f` for each byte.
  package static func hex(bytes: some Collection<UInt8>) -> String {
    let digits: StaticString = "0123456789abcdef"
    return String(unsafeUninitializedCapacity: bytes.count * 2) { output in
      for (index, byte) in bytes.enumerated() {
        output[index * 2] = digits.utf8Start[Int(byte >> 4)]
        output[index * 2 + 1] = digits.utf8Start[Int(byte & 15)]
      }
      return bytes.count * 2
    }
  }

  /// RFC 4648 section 5 without padding.
  package static func base64url(bytes: some Collection<UInt8>) -> String {
    let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return String(unsafeUninitializedCapacity: (bytes.count * 4 + 2) / 3) { output in
      var count = 0
      var bits: UInt32 = 0
      var pending = 0
      for byte in bytes {
        bits = bits << 8 | UInt32(byte)
        pending += 8
        while pending >= 6 {
          pending -= 6
          output[count] = alphabet.utf8Start[Int(bits >> UInt32(pending) & 0x3F)]
          count += 1
        }
      }
      if pending > 0 {
        output[count] = alphabet.utf8Start[Int(bits << UInt32(6 - pending) & 0x3F)]
        count += 1
      }
      return count
    }
  }

  /// The text that `base64url` was made of; nil for anything else.
  package static func text(base64url text: String) -> String? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var pending = 0
    for character in text.utf8 {
      let digit: UInt8
      switch character {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = character - UInt8(ascii: "A")
      case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = character - UInt8(ascii: "a") + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0") + 52
      case UInt8(ascii: "-"): digit = 62
      case UInt8(ascii: "_"): digit = 63
      default: return nil
      }
      bits = bits << 6 | UInt32(digit)
      pending += 6
      if pending >= 8 {
        pending -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(pending)))
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// Lower-case base 36, most significant digit first; the form of run stamps.
  package static func base36(_ number: UInt64) -> String { String(number, radix: 36) }
}
