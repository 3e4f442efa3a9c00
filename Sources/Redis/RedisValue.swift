/// One reply, copied out of the C library's memory. RESP2 has these six shapes and no others.
package enum RedisValue: Sendable, Equatable {
  case null
  case integer(Int64)
  case bytes([UInt8])
  case status(String)
  /// The server's text as it came. It may quote arguments: log `serverError`, never this.
  case error(String)
  case array([RedisValue])

  /// An integer reply, or a string that is a decimal number; nil for anything else.
  package var int: Int64? {
    switch self {
    case .integer(let value): value
    case .bytes, .status: string.flatMap { Int64($0) }
    default: nil
    }
  }

  /// A string or status reply that is UTF-8; nil for anything else.
  package var string: String? {
    switch self {
    case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
    case .status(let text): text
    default: nil
    }
  }

  package var bytes: [UInt8]? {
    if case .bytes(let bytes) = self { bytes } else { nil }
  }

  package var array: [RedisValue]? {
    if case .array(let values) = self { values } else { nil }
  }

  package var isNull: Bool { self == .null }

  /// The error reply, classified and safe to log; nil for any other reply.
  package var serverError: RedisError? {
    if case .error(let text) = self { RedisError(serverText: text) } else { nil }
  }
}
