import Crypto

/// A Lua script and the SHA-1 of its source, under which Redis keeps it. Make one per script and keep it: the digest is
/// computed once, here.
package final class RedisScript: Sendable {
  /// For logs only.
  package let name: String
  package let source: String
  /// 40 lower-case hexadecimal digits.
  package let sha1: String

  package init(name: String, source: String) {
    self.name = name
    self.source = source
    let digits = Array("0123456789abcdef".utf8)
    let digest = Insecure.SHA1.hash(data: Array(source.utf8))
    sha1 = String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
