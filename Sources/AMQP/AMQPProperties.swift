/// The properties that travel with a message. Names and texts are at most 255 bytes each.
package struct AMQPProperties: Sendable, Hashable {
  package enum DeliveryMode: UInt8, Sendable {
    case transient = 1
    case persistent = 2
  }

  package var contentType: String?
  package var contentEncoding: String?
  package var headers = AMQPTable()
  package var deliveryMode: DeliveryMode?
  package var priority: UInt8?
  package var correlationId: String?
  package var replyTo: String?
  /// Milliseconds, as text.
  package var expiration: String?
  package var messageId: String?
  /// Seconds since 1970.
  package var timestamp: UInt64?
  package var type: String?
  /// The broker refuses any but the connection's own user.
  package var userId: String?
  package var appId: String?

  package init() {}
}

extension AMQPProperties {
  /// Bits of the flags word in front of the properties, in the order of the wire
  /// (class basic of the AMQP 0-9-1 specification; the deprecated cluster id is bit 2).
  private enum Flag {
    static let contentType: UInt16 = 1 << 15
    static let contentEncoding: UInt16 = 1 << 14
    static let headers: UInt16 = 1 << 13
    static let deliveryMode: UInt16 = 1 << 12
    static let priority: UInt16 = 1 << 11
    static let correlationId: UInt16 = 1 << 10
    static let replyTo: UInt16 = 1 << 9
    static let expiration: UInt16 = 1 << 8
    static let messageId: UInt16 = 1 << 7
    static let timestamp: UInt16 = 1 << 6
    static let type: UInt16 = 1 << 5
    static let userId: UInt16 = 1 << 4
    static let appId: UInt16 = 1 << 3
    /// More flags follow; nobody defines any.
    static let continuation: UInt16 = 1
  }

  /// Reads what a header frame carries behind the body size. Whatever cannot be taken over is left out and named in
  /// `hostility`; the first reason is kept.
  init(reading bytes: UnsafeRawBufferPointer, hostility: inout AMQPHostility?) {
    var reader = AMQPReader(bytes)
    do throws(AMQPHostility) {
      try read(&reader, &hostility)
    } catch {
      hostility = hostility ?? error
    }
  }

  private mutating func read(_ reader: inout AMQPReader, _ hostility: inout AMQPHostility?) throws(AMQPHostility) {
    let flags = try reader.integer(UInt16.self)
    guard flags & Flag.continuation == 0 else { throw .undecodable }
    func has(_ flag: UInt16) -> Bool { flags & flag != 0 }
    if has(Flag.contentType) { contentType = try reader.shortString() }
    if has(Flag.contentEncoding) { contentEncoding = try reader.shortString() }
    if has(Flag.headers) {
      do throws(AMQPHostility) {
        headers = try reader.table()
      } catch {
        hostility = error
      }
    }
    if has(Flag.deliveryMode) { deliveryMode = DeliveryMode(rawValue: try reader.integer(UInt8.self)) }
    if has(Flag.priority) { priority = try reader.integer(UInt8.self) }
    if has(Flag.correlationId) { correlationId = try reader.shortString() }
    if has(Flag.replyTo) { replyTo = try reader.shortString() }
    if has(Flag.expiration) { expiration = try reader.shortString() }
    if has(Flag.messageId) { messageId = try reader.shortString() }
    if has(Flag.timestamp) { timestamp = try reader.integer(UInt64.self) }
    if has(Flag.type) { type = try reader.shortString() }
    if has(Flag.userId) { userId = try reader.shortString() }
    if has(Flag.appId) { appId = try reader.shortString() }
  }

  func write(to writer: inout AMQPWriter) {
    let start = writer.bytes.count
    var flags: UInt16 = 0
    writer.integer(flags)
    func text(_ value: String?, _ flag: UInt16) {
      guard let value else { return }
      flags |= flag
      writer.shortString(value)
    }
    text(contentType, Flag.contentType)
    text(contentEncoding, Flag.contentEncoding)
    if !headers.isEmpty {
      flags |= Flag.headers
      writer.table(headers)
    }
    if let deliveryMode {
      flags |= Flag.deliveryMode
      writer.integer(deliveryMode.rawValue)
    }
    if let priority {
      flags |= Flag.priority
      writer.integer(priority)
    }
    text(correlationId, Flag.correlationId)
    text(replyTo, Flag.replyTo)
    text(expiration, Flag.expiration)
    text(messageId, Flag.messageId)
    if let timestamp {
      flags |= Flag.timestamp
      writer.integer(timestamp)
    }
    text(type, Flag.type)
    text(userId, Flag.userId)
    text(appId, Flag.appId)
    writer.patch(flags, at: start)
  }
}
