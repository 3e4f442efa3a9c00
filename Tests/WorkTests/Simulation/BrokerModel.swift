import Contracts

/// The broker: lanes with consumers and their prefetch, bays, and what is unacked. A value; it says who gets what, the
/// simulation says when it arrives.
struct BrokerModel {
  struct Message {
    var job: Int
    /// As in `Delivery.copy`.
    var copy = 0
    var trips = 0
    var isRedelivered = false
  }

  enum Source: Hashable {
    case lane(Lane)
    case bay(Int, Lane)

    var lane: Lane {
      switch self {
      case .lane(let lane), .bay(_, let lane): lane
      }
    }

    var bay: Int? { if case .bay(let bay, _) = self { bay } else { nil } }
  }

  struct Delivery {
    var tag: Int
    var message: Message
    var source: Source
    /// Connection that it belongs to.
    var connection: Int
  }

  /// Waiting for a consumer, by rank of the lane.
  private var ready: [[Message]] = [[], [], [], []]
  private var bays: [Int: [Message]] = [:]
  private var unacked: [Int: Delivery] = [:]
  private var lastTag = 0
  /// By connection: places left, by rank of the lane.
  private var places: [Int: [Int]] = [:]
  private var turn = 0
  let returnsInFront: Bool
  private(set) var deliveries = 0
  private(set) var heads = 0

  init(returnsInFront: Bool) { self.returnsInFront = returnsInFront }

  /// Nothing is ready in a lane or unacked anywhere.
  var isIdle: Bool { ready.allSatisfy(\.isEmpty) && unacked.isEmpty }
  var jobsInBays: [Int] { bays.values.flatMap { $0.map(\.job) } }

  func count(in bay: Int) -> Int { bays[bay]?.count ?? 0 }
  func isConnected(_ connection: Int) -> Bool { places[connection] != nil }

  mutating func connect(_ connection: Int, prefetch: Int) {
    places[connection] = Array(repeating: prefetch, count: 4)
  }

  /// What was unacked there is ready again.
  mutating func disconnect(_ connection: Int) {
    places[connection] = nil
    for (tag, delivery) in unacked.filter({ $1.connection == connection }).sorted(by: { $0.key > $1.key }) {
      unacked[tag] = nil
      giveBack(delivery)
    }
  }

  mutating func declare(_ bay: Int) { if bays[bay] == nil { bays[bay] = [] } }
  /// Moves what lies in a bay of nobody.
  mutating func drain(_ bay: Int, to lane: Lane) {
    ready[lane.rank] += bays[bay] ?? []
    bays[bay] = []
  }

  mutating func publish(_ message: Message, to lane: Lane) { ready[lane.rank].append(message) }
  mutating func publish(_ message: Message, toBay bay: Int) { bays[bay]?.append(message) }

  /// Of a delivery that is not unacked any more, nothing.
  mutating func ack(_ delivery: Delivery) {
    guard unacked.removeValue(forKey: delivery.tag) != nil, delivery.source.bay == nil else { return }
    places[delivery.connection]?[delivery.source.lane.rank] += 1
  }

  mutating func requeue(_ delivery: Delivery) {
    guard unacked[delivery.tag] != nil else { return }
    ack(delivery)
    giveBack(delivery)
  }

  private mutating func giveBack(_ delivery: Delivery) {
    var message = delivery.message
    message.isRedelivered = true
    switch delivery.source {
    case .lane(let lane):
      if returnsInFront { ready[lane.rank].insert(message, at: 0) } else { ready[lane.rank].append(message) }
    case .bay(let bay, _):
      if returnsInFront { bays[bay]?.insert(message, at: 0) } else { bays[bay]?.append(message) }
    }
  }

  /// The messages that consumers get now, in turns.
  mutating func dispatch() -> [Delivery] {
    var dispatched: [Delivery] = []
    let consumers = places.keys.sorted()
    for lane in Lane.allCases where !ready[lane.rank].isEmpty {
      var given = 0
      while given < ready[lane.rank].count {
        turn += 1
        let next = consumers.indices.map { consumers[($0 + turn) % consumers.count] }
          .first { (places[$0]?[lane.rank] ?? 0) > 0 }
        guard let next else { break }
        places[next]?[lane.rank] -= 1
        dispatched.append(hand(ready[lane.rank][given], from: .lane(lane), to: next))
        given += 1
      }
      ready[lane.rank].removeFirst(given)
    }
    deliveries += dispatched.count
    return dispatched
  }

  enum Got {
    case head(Delivery, remaining: Int)
    case empty
    /// No connection.
    case failed
  }

  mutating func get(_ bay: Int, serving lane: Lane, for connection: Int) -> Got {
    guard places[connection] != nil else { return .failed }
    guard let messages = bays[bay], let first = messages.first else { return .empty }
    bays[bay]?.removeFirst()
    heads += 1
    return .head(hand(first, from: .bay(bay, lane), to: connection), remaining: messages.count - 1)
  }

  private mutating func hand(_ message: Message, from source: Source, to connection: Int) -> Delivery {
    lastTag += 1
    let delivery = Delivery(tag: lastTag, message: message, source: source, connection: connection)
    unacked[lastTag] = delivery
    return delivery
  }
}
