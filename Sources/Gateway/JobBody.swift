import Contracts
import Crypto

/// The body under which a job is published: that of the request, with an id written in where it has none. The same
/// request gives the same bytes, because their digest tells a repetition from another job.
struct JobBody {
  let bytes: [UInt8]
  /// Whether nothing had to be written in.
  let isAsItCame: Bool

  /// - Parameter otherwise: the id of a message without one.
  init(_ message: JSONDocument, otherwise: () -> String) {
    let root = message.root
    let given = root["id"]
    isAsItCame = given.map { !$0.isNull } ?? false
    if isAsItCame {
      bytes = message.bytes
      return
    }
    let text = Array("\"\(otherwise())\"".utf8)
    if let given {
      bytes = message.bytes[..<given.raw.startIndex] + text + message.bytes[given.raw.endIndex...]
    } else {
      let comma = root.members.isEmpty ? [] : [UInt8(ascii: ",")]
      let behind = root.raw.startIndex + 1
      bytes = message.bytes[..<behind] + Array("\"id\":".utf8) + text + comma + message.bytes[behind...]
    }
  }

  static func isIdempotencyKey(_ field: String) -> Bool {
    (1...255).contains(field.utf8.count) && field.utf8.allSatisfy { (0x20..<0x7F).contains($0) }
  }

  /// From the field `Idempotency-Key` and who sent it; nil for a field that is none.
  static func id(from field: String, sender: String) -> String? {
    guard isIdempotencyKey(field) else { return nil }
    return "ik-" + Identifier.base64url(bytes: Array(SHA256.hash(data: Array("\(sender)|\(field)".utf8)))).prefix(22)
  }
}
