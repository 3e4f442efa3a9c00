/// Calls that shape the broker rather than carry messages.
extension AMQPWriter {
  mutating func exchangeDeclare(
    _ name: String, _ kind: AMQPExchangeKind, durable: Bool, passive: Bool, `internal`: Bool, arguments: AMQPTable,
    channel: UInt16
  ) {
    method(AMQPMethod.exchangeDeclare, channel: channel) { writer in
      writer.integer(UInt16(0))
      writer.shortString(name)
      writer.shortString(kind.rawValue)
      writer.flags(passive, durable, false, `internal`, false)
      writer.table(arguments)
    }
  }

  mutating func exchangeDelete(_ name: String, channel: UInt16) {
    method(AMQPMethod.exchangeDelete, channel: channel) { writer in
      writer.integer(UInt16(0))
      writer.shortString(name)
      writer.flags(false, false)
    }
  }

  mutating func exchangeBind(
    _ destination: String, to source: String, routingKey: String, arguments: AMQPTable, channel: UInt16
  ) {
    bind(AMQPMethod.exchangeBind, destination, source, routingKey, arguments, channel)
  }

  mutating func queueDeclare(
    _ name: String, durable: Bool, exclusive: Bool, autoDelete: Bool, passive: Bool, arguments: AMQPTable,
    channel: UInt16
  ) {
    method(AMQPMethod.queueDeclare, channel: channel) { writer in
      writer.integer(UInt16(0))
      writer.shortString(name)
      writer.flags(passive, durable, exclusive, autoDelete, false)
      writer.table(arguments)
    }
  }

  mutating func queueBind(
    _ queue: String, to exchange: String, routingKey: String, arguments: AMQPTable, channel: UInt16
  ) {
    bind(AMQPMethod.queueBind, queue, exchange, routingKey, arguments, channel)
  }

  mutating func queuePurge(_ queue: String, channel: UInt16) {
    method(AMQPMethod.queuePurge, channel: channel) { writer in
      writer.integer(UInt16(0))
      writer.shortString(queue)
      writer.flags(false)
    }
  }

  mutating func queueDelete(_ queue: String, ifEmpty: Bool, channel: UInt16) {
    method(AMQPMethod.queueDelete, channel: channel) { writer in
      writer.integer(UInt16(0))
      writer.shortString(queue)
      writer.flags(false, ifEmpty, false)
    }
  }

  mutating func get(_ queue: String, channel: UInt16) {
    method(AMQPMethod.basicGet, channel: channel) { writer in
      writer.integer(UInt16(0))
      writer.shortString(queue)
      writer.flags(false)
    }
  }

  private mutating func bind(
    _ call: UInt32, _ destination: String, _ source: String, _ routingKey: String, _ arguments: AMQPTable,
    _ channel: UInt16
  ) {
    method(call, channel: channel) { writer in
      writer.integer(UInt16(0))
      writer.shortString(destination)
      writer.shortString(source)
      writer.shortString(routingKey)
      writer.flags(false)
      writer.table(arguments)
    }
  }

  /// Bits of one octet, the first is the lowest.
  private mutating func flags(_ flags: Bool...) {
    bytes.append(flags.reversed().reduce(0) { $0 << 1 | ($1 ? 1 : 0) })
  }
}
