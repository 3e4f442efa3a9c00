import CRabbitMQ

/// Frames between librabbitmq's form and ours.
extension AMQPWire {
  static func translated(_ frame: amqp_frame_t) -> AMQPFrame {
    switch Int32(frame.frame_type) {
    case AMQP_FRAME_HEADER:
      .header(bodyBytes: frame.payload.properties.body_size, properties: bytes(frame.payload.properties.raw))
    case AMQP_FRAME_BODY: .body(bytes(frame.payload.body_fragment))
    case AMQP_FRAME_METHOD: translated(method: frame.payload.method)
    default: .other(method: 0)
    }
  }

  static func translated(method: amqp_method_t) -> AMQPFrame {
    switch method.id {
    case AMQPMethod.basicDeliver:
      let deliver = decoded(method, amqp_basic_deliver_t.self)
      return .delivery(
        tag: deliver.delivery_tag, redelivered: deliver.redelivered != 0, exchange: bytes(deliver.exchange),
        routingKey: bytes(deliver.routing_key))
    case AMQPMethod.basicGetOk:
      let got = decoded(method, amqp_basic_get_ok_t.self)
      return .got(
        tag: got.delivery_tag, redelivered: got.redelivered != 0, exchange: bytes(got.exchange),
        routingKey: bytes(got.routing_key), left: Int(got.message_count))
    case AMQPMethod.basicGetEmpty: return .gotNothing
    case AMQPMethod.queueDeclareOk:
      let declared = decoded(method, amqp_queue_declare_ok_t.self)
      return .queueDeclared(messages: Int(declared.message_count), consumers: Int(declared.consumer_count))
    case AMQPMethod.queuePurgeOk:
      return .messagesRemoved(Int(decoded(method, amqp_queue_purge_ok_t.self).message_count))
    case AMQPMethod.queueDeleteOk:
      return .messagesRemoved(Int(decoded(method, amqp_queue_delete_ok_t.self).message_count))
    case AMQPMethod.basicAck:
      let ack = decoded(method, amqp_basic_ack_t.self)
      return .ack(tag: ack.delivery_tag, multiple: ack.multiple != 0)
    case AMQPMethod.basicNack:
      let nack = decoded(method, amqp_basic_nack_t.self)
      return .nack(tag: nack.delivery_tag, multiple: nack.multiple != 0)
    case AMQPMethod.basicReturn:
      let returned = decoded(method, amqp_basic_return_t.self)
      return .returned(
        code: Int(returned.reply_code), text: AMQPError.printable(text(returned.reply_text)),
        exchange: text(returned.exchange), routingKey: text(returned.routing_key))
    case AMQPMethod.channelClose:
      let close = decoded(method, amqp_channel_close_t.self)
      return .channelClosed(.close(code: close.reply_code, text: text(close.reply_text), ofConnection: false))
    case AMQPMethod.connectionClose:
      let close = decoded(method, amqp_connection_close_t.self)
      return .connectionClosed(.close(code: close.reply_code, text: text(close.reply_text), ofConnection: true))
    case AMQPMethod.connectionBlocked:
      return .blocked(reason: AMQPError.printable(text(decoded(method, amqp_connection_blocked_t.self).reason)))
    case AMQPMethod.connectionUnblocked: return .unblocked
    case AMQPMethod.connectionCloseOk: return .connectionCloseOk
    case AMQPMethod.basicConsumeOk: return .consumeOk
    case AMQPMethod.basicCancelOk: return .cancelOk
    case AMQPMethod.basicCancel: return .cancelledByBroker
    case AMQPMethod.confirmSelectOk: return .confirmSelectOk
    default: return .other(method: method.id)
    }
  }

  /// librabbitmq sets `decoded` to the struct that belongs to the method's number, never to nil for one it knows.
  static func decoded<Arguments>(_ method: amqp_method_t, _ type: Arguments.Type) -> Arguments {
    method.decoded.assumingMemoryBound(to: type).pointee
  }

  static func bytes(_ bytes: amqp_bytes_t) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len)
  }

  static func text(_ bytes: amqp_bytes_t) -> String { String(decoding: Self.bytes(bytes), as: UTF8.self) }

  // MARK: out, over TLS

  static func length(ofFrame frame: UnsafeMutableRawBufferPointer) -> Int {
    Int(UInt32(bigEndian: frame.loadUnaligned(fromByteOffset: 3, as: UInt32.self))) + AMQPWriter.frameOverhead
  }

  /// Decodes one of our own frames and sends it through the library. Returns the library's status.
  static func pass(
    _ bytes: UnsafeMutableRawBufferPointer, to state: amqp_connection_state_t, _ pool: inout amqp_pool_t
  ) -> Int32 {
    let payload = UnsafeMutableRawBufferPointer(rebasing: bytes[7..<(length(ofFrame: bytes) - 1)])
    func from(_ offset: Int) -> amqp_bytes_t {
      amqp_bytes_t(len: payload.count - offset, bytes: payload.baseAddress?.advanced(by: offset))
    }
    func number<Number: FixedWidthInteger>(_ offset: Int, _ type: Number.Type) -> Number {
      Number(bigEndian: payload.loadUnaligned(fromByteOffset: offset, as: type))
    }
    var frame = amqp_frame_t()
    frame.frame_type = bytes[0]
    frame.channel = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 1, as: UInt16.self))
    var decoded: UnsafeMutableRawPointer?
    var status = AMQP_STATUS_OK.rawValue
    switch Int32(frame.frame_type) {
    case AMQP_FRAME_METHOD:
      let method = number(0, UInt32.self)
      status = amqp_decode_method(method, &pool, from(4), &decoded)
      frame.payload.method = amqp_method_t(id: method, decoded: decoded)
    case AMQP_FRAME_HEADER:
      status = amqp_decode_properties(number(0, UInt16.self), &pool, from(12), &decoded)
      frame.payload.properties.class_id = number(0, UInt16.self)
      frame.payload.properties.body_size = number(4, UInt64.self)
      frame.payload.properties.decoded = decoded
    case AMQP_FRAME_BODY: frame.payload.body_fragment = from(0)
    default: break
    }
    guard status >= 0 else { return status }
    return amqp_send_frame(state, &frame)
  }
}
