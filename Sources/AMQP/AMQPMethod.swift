/// Numbers of the methods we send or react to: class in the upper, method in the lower half
/// (https://www.rabbitmq.com/amqp-0-9-1-reference). Swift does not see librabbitmq's macros.
enum AMQPMethod {
  static let connectionClose: UInt32 = 0x000A_0032
  static let connectionCloseOk: UInt32 = 0x000A_0033
  static let connectionBlocked: UInt32 = 0x000A_003C
  static let connectionUnblocked: UInt32 = 0x000A_003D
  static let channelOpen: UInt32 = 0x0014_000A
  static let channelClose: UInt32 = 0x0014_0028
  static let channelCloseOk: UInt32 = 0x0014_0029
  static let exchangeDeclare: UInt32 = 0x0028_000A
  static let exchangeDelete: UInt32 = 0x0028_0014
  static let exchangeBind: UInt32 = 0x0028_001E
  static let queueDeclare: UInt32 = 0x0032_000A
  static let queueDeclareOk: UInt32 = 0x0032_000B
  static let queueBind: UInt32 = 0x0032_0014
  static let queuePurge: UInt32 = 0x0032_001E
  static let queuePurgeOk: UInt32 = 0x0032_001F
  static let queueDelete: UInt32 = 0x0032_0028
  static let queueDeleteOk: UInt32 = 0x0032_0029
  static let basicQos: UInt32 = 0x003C_000A
  static let basicConsume: UInt32 = 0x003C_0014
  static let basicConsumeOk: UInt32 = 0x003C_0015
  static let basicCancel: UInt32 = 0x003C_001E
  static let basicCancelOk: UInt32 = 0x003C_001F
  static let basicPublish: UInt32 = 0x003C_0028
  static let basicReturn: UInt32 = 0x003C_0032
  static let basicDeliver: UInt32 = 0x003C_003C
  static let basicGet: UInt32 = 0x003C_0046
  static let basicGetOk: UInt32 = 0x003C_0047
  static let basicGetEmpty: UInt32 = 0x003C_0048
  static let basicAck: UInt32 = 0x003C_0050
  static let basicReject: UInt32 = 0x003C_005A
  static let basicNack: UInt32 = 0x003C_0078
  static let confirmSelect: UInt32 = 0x0055_000A
  static let confirmSelectOk: UInt32 = 0x0055_000B
}

/// What the broker sent, as far as we react to it. The byte ranges belong to librabbitmq and end with the call that
/// hands them over.
enum AMQPFrame {
  case delivery(tag: UInt64, redelivered: Bool, exchange: UnsafeRawBufferPointer, routingKey: UnsafeRawBufferPointer)
  /// What `basic.get` found; `left` counts the messages behind it in the queue.
  case got(
    tag: UInt64, redelivered: Bool, exchange: UnsafeRawBufferPointer, routingKey: UnsafeRawBufferPointer, left: Int)
  case gotNothing
  case queueDeclared(messages: Int, consumers: Int)
  /// Of a purge or a deletion.
  case messagesRemoved(Int)
  /// A mandatory publication that no queue took; its header and body follow.
  case returned(code: Int, text: String, exchange: String, routingKey: String)
  /// `properties` begins with the flags word.
  case header(bodyBytes: UInt64, properties: UnsafeRawBufferPointer)
  case body(UnsafeRawBufferPointer)
  case ack(tag: UInt64, multiple: Bool)
  case nack(tag: UInt64, multiple: Bool)
  case consumeOk
  case cancelOk
  /// The broker ended the consumer: its queue was deleted or lost its leader.
  case cancelledByBroker
  case confirmSelectOk
  /// To be answered with `channelCloseOk` before the number is used again.
  case channelClosed(AMQPError)
  case connectionClosed(AMQPError)
  case connectionCloseOk
  case blocked(reason: String)
  case unblocked
  /// The answer of other calls that carry nothing, and what we do not react to.
  case other(method: UInt32)
}
