import AMQP
package import Contracts

/// What one message of `jobs.dead` or `jobs.blocked` says about its job, without the job's texts.
package struct Letter: Sendable {
  /// What letters are told apart by: two of one run of a job count as one.
  package struct Key: Sendable, Hashable, Codable {
    package let id: String
    package let run: String?
  }

  /// Of the job; `body:` and a digest where the message names none.
  package let id: String
  package let run: String?
  package let userID: String?
  package let taskType: String?
  package let claimedTier: String?
  /// As the header says; one of `EndCode` unless a foreign hand put the message there.
  package let reason: String
  package let detail: String
  package let attempts: Int
  /// RFC 3339.
  package let firstSeen: String?
  /// When it became a letter, of one in `jobs.blocked`; else when the job was first seen, if that is known.
  package let writtenAt: Timestamp?
  /// The routing key it had.
  package let lane: String?
  /// Of the whole body, also where only its beginning was kept.
  package let bodyBytes: Int
  /// AMQP properties and headers of the sender by name, as text.
  package let properties: [(name: String, value: String)]

  package var key: Key { Key(id: id, run: run) }

  init(_ message: AMQPDelivery) {
    let headers = message.properties.headers
    let root = Self.root(of: message.body)
    let named = root?["id"]?.string ?? message.properties.messageId
    id = named.flatMap { Identifier.isValid($0) ? $0 : nil } ?? "body:\(JobMessage.digest(of: message.body).prefix(12))"
    run = headers[Header.run]?.string
    userID = root?["userId"]?.string
    taskType = root?["taskType"]?.string
    claimedTier = root?["userTier"]?.string
    reason = headers[Header.reason]?.string ?? "unknown"
    detail = headers[Header.detail]?.string ?? ""
    attempts = headers[Header.attempts]?.int.map { Int(clamping: $0) } ?? 0
    firstSeen = headers[Header.firstSeen]?.string
    writtenAt =
      headers[Header.blockedAt]?.int.map { Timestamp(milliseconds: $0) } ?? firstSeen.flatMap { Timestamp($0) }
    lane = headers[Header.lane]?.string
    bodyBytes =
      headers[Header.bodyBytes]?.int.map { Int(clamping: $0) } ?? message.oversize?.bytes ?? message.body.count
    properties = Self.properties(of: message)
  }

  private static func root(of body: [UInt8]) -> JSONValue? {
    do { return try JSONParser.parse(body).root } catch { return nil }  // such a message is a letter for that reason
  }

  private static func properties(of message: AMQPDelivery) -> [(name: String, value: String)] {
    let properties = message.properties
    let named: [(String, String?)] = [
      ("message-id", properties.messageId), ("correlation-id", properties.correlationId),
      ("reply-to", properties.replyTo), ("content-type", properties.contentType), ("type", properties.type),
      ("app-id", properties.appId), ("timestamp", properties.timestamp.map { "\($0)" }),
    ]
    return named.compactMap { name, value in value.map { (name, $0) } }
      + properties.headers.entries.filter { !Header.isOfLetters($0.key) }.map { ($0.key, $0.value.text) }
  }
}

extension Header {
  /// What a letter has and its job's message had not.
  static func isOfLetters(_ key: String) -> Bool {
    [reason, detail, attempts, firstSeen, blockedAt, run, lane, bodyBytes, bodyDigest].contains(key)
      || mustStayBehind(key)
  }
}

extension AMQPField {
  fileprivate var text: String {
    switch self {
    case .string(let text): text
    case .int(let number): "\(number)"
    case .bool(let flag): "\(flag)"
    case .double(let number): "\(number)"
    case .timestamp(let seconds): "\(seconds)"
    case .decimal(let scale, let value): "\(ExactDecimal(mantissa: Int128(value), decimals: Int(scale)))"
    case .binary(let bytes): "(\(bytes.count) bytes)"
    case .table(let table): "(table of \(table.entries.count))"
    case .array(let values): "(list of \(values.count))"
    case .null: "null"
    }
  }
}
