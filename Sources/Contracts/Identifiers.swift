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

  /// RFC 4648 section 5 without padding: what a user id looks like inside a Redis key.
  package static func base64url(_ text: String) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    let input = Array(text.utf8)
    return String(unsafeUninitializedCapacity: (input.count * 4 + 2) / 3) { output in
      var count = 0
      var index = 0
      while index < input.count {
        let first = input[index]
        let second = index + 1 < input.count ? input[index + 1] : 0
        let third = index + 2 < input.count ? input[index + 2] : 0
        let group: [UInt8] = [
          first >> 2, (first & 0x03) << 4 | second >> 4, (second & 0x0F) << 2 | third >> 6, third & 0x3F,
        ]
        for six in group.prefix(min(input.count - index, 3) + 1) {
          output[count] = alphabet[Int(six)]
          count += 1
        }
        index += 3
      }
      return count
    }
  }

  /// Lower-case base 36, most significant digit first; the form of run stamps.
  package static func base36(_ number: UInt64) -> String { String(number, radix: 36) }
}
