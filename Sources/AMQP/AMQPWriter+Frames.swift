/// Whole frames. Field orders are those of https://www.rabbitmq.com/amqp-0-9-1-reference.
extension AMQPWriter {
  private enum FrameType: UInt8 {
    case method = 1
    case header = 2
    case body = 3
    case heartbeat = 8
  }

  static let frameEnd: UInt8 = 0xCE
  /// Type, channel and length in front, the end mark behind.
  static let frameOverhead = 8
  private static let classBasic: UInt16 = 60

  private mutating func frame(_ type: FrameType, channel: UInt16, _ payload: (inout AMQPWriter) -> Void) {
    bytes.append(type.rawValue)
    integer(channel)
    measured(payload)
    bytes.append(Self.frameEnd)
  }

  mutating func method(
    _ method: UInt32, channel: UInt16, _ arguments: (inout AMQPWriter) -> Void = { _ in }
  ) {
    frame(.method, channel: channel) { writer in
      writer.integer(method)
      arguments(&writer)
    }
  }

  mutating func heartbeat() { frame(.heartbeat, channel: 0) { _ in } }

  mutating func connectionClose() {
    method(AMQPMethod.connectionClose, channel: 0) { writer in
      writer.integer(UInt16(200))
      writer.shortString("done")
      writer.integer(UInt32(0))
    }
  }

  mutating func connectionCloseOk() { method(AMQPMethod.connectionCloseOk, channel: 0) }

  mutating func channelOpen(_ channel: UInt16) {
    method(AMQPMethod.channelOpen, channel: channel) { $0.shortString("") }
  }

  mutating func channelCloseOk(_ channel: UInt16) { method(AMQPMethod.channelCloseOk, channel: channel) }

  /// For consumers that begin on this channel from now on.
  mutating func prefetch(_ count: UInt16, channel: UInt16) {
    method(AMQPMethod.basicQos, channel: channel) { writer in
      writer.integer(UInt32(0))
      writer.integer(count)
      writer.bytes.append(0)
    }
  }

  mutating func consume(queue: String, tag: String, channel: UInt16) {
    method(AMQPMethod.basicConsume, channel: channel) { writer in
      writer.integer(UInt16(0))
      writer.shortString(queue)
      writer.shortString(tag)
      writer.bytes.append(0)
      writer.table(AMQPTable())
    }
  }

  mutating func cancel(tag: String, channel: UInt16) {
    method(AMQPMethod.basicCancel, channel: channel) { writer in
      writer.shortString(tag)
      writer.bytes.append(0)
    }
  }

  mutating func confirmSelect(channel: UInt16) {
    method(AMQPMethod.confirmSelect, channel: channel) { $0.bytes.append(0) }
  }

  mutating func settle(_ frame: UnsettledTags.Frame, channel: UInt16) {
    switch frame.act {
    case .ack: ack(frame.tag, multiple: false, channel: channel)
    case .ackUpTo: ack(frame.tag, multiple: true, channel: channel)
    case .requeue: reject(frame.tag, requeue: true, channel: channel)
    case .discard: reject(frame.tag, requeue: false, channel: channel)
    }
  }

  private mutating func ack(_ tag: UInt64, multiple: Bool, channel: UInt16) {
    method(AMQPMethod.basicAck, channel: channel) { writer in
      writer.integer(tag)
      writer.bytes.append(multiple ? 1 : 0)
    }
  }

  mutating func reject(_ tag: UInt64, requeue: Bool, channel: UInt16) {
    method(AMQPMethod.basicReject, channel: channel) { writer in
      writer.integer(tag)
      writer.bytes.append(requeue ? 1 : 0)
    }
  }

  /// Method, header and body frames of one message; no frame is larger than `frameMax`. When the publication cannot be
  /// expressed, nothing is appended and the reason is returned.
  mutating func publish(_ publication: AMQPPublication, channel: UInt16, frameMax: Int) -> AMQPError? {
    let start = bytes.count
    method(AMQPMethod.basicPublish, channel: channel) { writer in
      writer.integer(UInt16(0))
      writer.shortString(publication.exchange)
      writer.shortString(publication.routingKey)
      writer.bytes.append(publication.mandatory ? 1 : 0)
    }
    let headerStart = bytes.count
    frame(.header, channel: channel) { writer in
      writer.integer(Self.classBasic)
      writer.integer(UInt16(0))
      writer.integer(UInt64(publication.body.count))
      publication.properties.write(to: &writer)
    }
    guard !overflowed, bytes.count - headerStart <= frameMax else {
      let reason = overflowed ? "a name or property is over 255 bytes" : "the headers are larger than a frame"
      rewind(to: start)
      return AMQPError(.invalidPublication, "not published: \(reason)", .permanent)
    }
    var offset = 0
    while offset < publication.body.count {
      let end = min(offset + frameMax - Self.frameOverhead, publication.body.count)
      frame(.body, channel: channel) { $0.bytes.append(contentsOf: publication.body[offset..<end]) }
      offset = end
    }
    return nil
  }
}
