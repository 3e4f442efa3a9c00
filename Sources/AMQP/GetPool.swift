/// The channels over which a consumer gets single messages, behind those of its subscriptions. They are opened when
/// needed, so that no channel holds too much of one queue and none is asked for much while others rest. A value without
/// I/O or clock.
struct GetPool {
  static let channelLimit = 16
  /// With as many gets unanswered on each channel, another is opened: a channel works on one get at a time.
  private static let busyLoad = 8

  /// Number of the first channel.
  private let first: UInt16
  private let maxBodyBytes: Int
  private var channels: [GetChannel] = []
  /// Not sent yet.
  private var waiting: [GetTicket] = []

  init(firstChannel: UInt16, maxBodyBytes: Int) {
    first = firstChannel
    self.maxBodyBytes = maxBodyBytes
  }

  var unsettled: Int { channels.reduce(0) { $0 + $1.unsettled } }
  /// Of each channel; 0 while it is closed.
  var generations: [UInt64] { channels.map(\.generation) }
  var halfReceived: [(channel: UInt16, queue: String, tag: UInt64, redelivered: Bool)] {
    channels.compactMap { channel in
      channel.halfReceived.map { (channel.number, $0.queue, $0.tag, $0.redelivered) }
    }
  }

  // MARK: what should be

  mutating func ask(_ batch: GetBatch) { waiting += batch.tickets }

  /// False when there is nothing to settle at this address.
  mutating func settle(_ address: AMQPDeliveryAddress, _ act: AMQPSettlement.Act) -> Bool {
    guard let index = index(of: address.channel), channels[index].generation == address.generation else { return false }
    return channels[index].settle(address.tag, act)
  }

  /// Settlements first: they make room.
  /// - Parameter channelMax: highest number of a channel that the broker takes.
  mutating func write(to out: inout AMQPWriter, channelMax: Int, newGeneration: () -> UInt64) {
    for index in channels.indices { channels[index].writeSettlements(to: &out) }
    guard !waiting.isEmpty else { return }
    let tickets = waiting
    waiting = []
    for ticket in tickets {
      if ticket.queue.utf8.count > 255 {
        ticket.resolve(.failed(Self.longName))
      } else if let index = channel(for: ticket.queue, channelMax: channelMax) {
        channels[index].ask(ticket, to: &out, newGeneration: newGeneration)
      } else {
        ticket.resolve(.failed(Self.full))
      }
    }
  }

  /// One that holds messages of the queue already, if it can take one more: what it holds goes back together, in order,
  /// when it is lost. Else the one that is asked for least.
  private mutating func channel(for queue: String, channelMax: Int) -> Int? {
    let open = channels.indices.filter { channels[$0].hasRoom(for: queue) }
    if let same = open.first(where: { channels[$0].holds(queue) }) { return same }
    let idlest = open.min { channels[$0].load < channels[$1].load }
    if let idlest, channels[idlest].load < Self.busyLoad { return idlest }
    let next = first + UInt16(channels.count)
    guard channels.count < Self.channelLimit, Int(next) <= channelMax else { return idlest }
    channels.append(GetChannel(number: next, maxBodyBytes: maxBodyBytes))
    return channels.count - 1
  }

  // MARK: what happened

  mutating func take(_ frame: AMQPFrame, channel number: UInt16) throws(AMQPError) {
    guard let index = index(of: number) else { return }
    switch frame {
    case .got(let tag, let redelivered, let exchange, let routingKey, let left):
      try channels[index].got(
        tag: tag, redelivered: redelivered, exchange: exchange, routingKey: routingKey, remaining: left)
    case .header(let bodyBytes, let properties):
      try channels[index].header(bodyBytes: bodyBytes, properties: properties)
    case .body(let bytes): try channels[index].body(bytes)
    case .gotNothing: try channels[index].gotNothing()
    default: break
    }
  }

  /// The broker closed a channel, which it does with the first get it cannot answer; it has not looked at those behind,
  /// and they are sent again. Returns how many messages were lost with it.
  mutating func channelClosed(_ number: UInt16, _ error: AMQPError) -> Int {
    guard let index = index(of: number) else { return 0 }
    let lost = channels[index].unsettled
    let tickets = channels[index].closed()
    tickets.first?.resolve(.failed(error))
    waiting = tickets.dropFirst() + waiting
    return lost
  }

  /// The connection ended.
  mutating func lost(_ error: AMQPError) {
    let tickets = channels.indices.flatMap { channels[$0].closed() } + waiting
    waiting = []
    for ticket in tickets { ticket.resolve(.failed(error)) }
  }

  private func index(of channel: UInt16) -> Int? {
    guard channel >= first, Int(channel - first) < channels.count else { return nil }
    return Int(channel - first)
  }

  private static let full = AMQPError(
    .busy, "too many unsettled messages were got from this queue: settle some first", .retry)
  private static let longName = AMQPError(.configuration, "a name for the broker is longer than 255 bytes", .permanent)
}
