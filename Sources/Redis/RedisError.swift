/// What went wrong on the Redis wire and what the caller may do about it. No text in here repeats an argument of a
/// command: quoted parts of server messages are blanked, because servers quote arguments.
package struct RedisError: Error, Sendable, Equatable, CustomStringConvertible {
  package enum Code: String, Sendable {
    /// The URL cannot be used as written, or the sentinels do not know the name in it.
    case configuration
    /// No connection: name not resolved, refused, connect timeout, or a greeting (AUTH, SELECT, INFO) without answer.
    case unreachable
    /// The server answered the greeting with an error.
    case refused
    /// The last connects failed and the next one is not due; nothing was sent. See `retryAfter`.
    case backingOff
    /// The connection ended before all replies were there.
    case connectionLost
    /// The replies were not all there in time; the connection was discarded.
    case deadlineExceeded
    /// Bytes that are no reply, or a reply nobody asked for.
    case protocolViolation
    /// The server answered a command with an error; `serverCode` has its first word.
    case server
    /// The waiting task was cancelled; the batch itself goes on.
    case cancelled
    /// More batches wait for the connection than `RedisConfiguration.queueLimit`; nothing was sent.
    case queueFull
    /// The client was closed; nothing was sent.
    case closed
  }

  package enum Disposition: String, Sendable {
    /// The same call may succeed later.
    case retry
    /// The same call may succeed on another connection, which the client opens by itself at the next call.
    case reconnect
    /// Somebody has to change a setting, a permission or the program.
    case permanent
  }

  package let code: Code
  package let message: String
  package let disposition: Disposition
  /// True when the batch, or a part of it, was sent and the replies did not come: its commands may or may not have
  /// been executed.
  package internal(set) var isOutcomeUnknown = false
  /// First word of the server's error (`OOM`, `NOSCRIPT`); `ERR` when it has none.
  package internal(set) var serverCode: String?
  /// How long calls will keep failing without being sent; only with `backingOff`.
  package internal(set) var retryAfter: Duration?

  init(_ code: Code, _ message: String, _ disposition: Disposition, isOutcomeUnknown: Bool = false) {
    self.code = code
    self.message = message
    self.disposition = disposition
    self.isOutcomeUnknown = isOutcomeUnknown
  }

  /// Classifies the text of an error reply.
  package init(serverText text: String) {
    let first = text.prefix { $0 != " " }
    let isWord = !first.isEmpty && first.utf8.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) }
    let word = isWord ? String(first) : "ERR"
    self.init(.server, RedisError.withoutQuotations(text), RedisError.disposition(of: word, text: text))
    serverCode = word
  }

  package var description: String {
    isOutcomeUnknown ? "\(message) (\(code.rawValue), outcome unknown)" : "\(message) (\(code.rawValue))"
  }

  private static func disposition(of word: String, text: String) -> Disposition {
    switch word {
    // After a failover this connection ends at the wrong server. NOREPLICAS is how one that does not know yet says it.
    case "READONLY", "MASTERDOWN", "NOREPLICAS": .reconnect
    case "LOADING", "CLUSTERDOWN", "TRYAGAIN", "OOM", "BUSY", "UNKILLABLE", "MISCONF", "NOSCRIPT": .retry
    case "ERR" where text.contains("max number of clients"): .reconnect
    case "ERR" where text.contains(": -READONLY "): .reconnect  // how Redis 6 quotes what a script was answered
    default: .permanent
    }
  }

  /// Blanks everything from the first opening quotation mark to the last mark of its kind (to the end if there is no
  /// other), drops what is not printable ASCII, and cuts after 200 characters. An apostrophe in a word opens nothing.
  private static func withoutQuotations(_ text: String) -> String {
    let characters = Array(text.utf8)
    var output: [UInt8] = []
    var index = 0
    var previousIsWord = false
    while index < characters.count, output.count < 200 {
      let byte = characters[index]
      let isMark = byte == UInt8(ascii: "'") || byte == UInt8(ascii: "`") || byte == UInt8(ascii: "\"")
      if isMark, !previousIsWord {
        output.append(contentsOf: "'...'".utf8)
        let last = characters.lastIndex(of: byte) ?? index
        index = last > index ? last + 1 : characters.count
        previousIsWord = false
        continue
      }
      if (0x20..<0x7F).contains(byte) { output.append(byte) }
      previousIsWord = (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      index += 1
    }
    return String(decoding: output, as: UTF8.self)
  }
}
