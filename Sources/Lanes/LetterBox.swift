package import AMQP
package import Contracts

/// The queue of dead letters, or that of blocked jobs, as a command handles it: letters are got one by one and not
/// acked, so that all go back when the connection closes; only a letter that was replayed is acked. Somebody else who
/// looks at the same moment sees what is left. Holds facts and at most one batch of bodies.
package struct LetterBox: Sendable {
  package enum Kind: Sendable { case dead, blocked }

  /// Which letters to replay.
  package enum Choice: Sendable {
    case ids(Set<String>)
    case all(reason: String?)

    fileprivate func includes(_ letter: Letter) -> Bool {
      switch self {
      case .ids(let ids): ids.contains(letter.id)
      case .all(let reason): reason == nil || letter.reason == reason
      }
    }
  }

  package enum Fate: Sendable {
    case replayed(Lane)
    /// It stays; the text says why.
    case kept(String)
  }

  private static let batchCount = 100
  private static let batchBytes = 4 << 20

  private let kind: Kind
  private let topology: Topology
  private let admin: AMQPAdmin

  package init(_ kind: Kind, topology: Topology, admin: AMQPAdmin) {
    self.kind = kind
    self.topology = topology
    self.admin = admin
  }

  private var queue: String { kind == .dead ? topology.dead : topology.blocked }

  /// The first letters, oldest first as far as the broker keeps their order.
  /// - Returns: `total` counts the messages in the queue, duplicates and other reasons included.
  package func list(
    reason: String?, limit: Int
  ) async throws(AMQPError) -> (letters: [Letter], total: Int) {
    var letters: [Letter] = []
    let total = try await scan { (letter, _, isKnown) throws(AMQPError) in
      if !isKnown, reason == nil || letter.reason == reason { letters.append(letter) }
      return letters.count < limit
    }
    return (letters, total)
  }

  /// The letters of one job, a run each, with their bodies.
  package func letters(of id: String) async throws(AMQPError) -> [(letter: Letter, body: [UInt8])] {
    var found: [(Letter, [UInt8])] = []
    _ = try await scan { (letter, message, isKnown) throws(AMQPError) in
      if !isKnown, letter.id == id { found.append((letter, message.body)) }
      return true
    }
    return found
  }

  /// Publishes the chosen letters' messages to their lanes again, confirmed, and then removes the letters.
  /// - Parameters:
  ///   - lane: that of a claimed tier, for letters which do not say where they were.
  ///   - each: told of every chosen letter, after it happened.
  package func replay(
    _ choice: Choice, through courier: Courier, lane: (_ claimedTier: String?) -> Lane,
    each: (Letter, Fate) -> Void
  ) async throws(AMQPError) {
    var batch = Batch()
    var replayed: Set<Letter.Key> = []
    _ = try await scan { (letter, message, _) throws(AMQPError) in
      guard choice.includes(letter) else { return true }
      if replayed.contains(letter.key) {
        batch.settlements.append(AMQPSettlement(message.address, .ack))
        return true
      }
      if let reason = hindrance(letter) {
        each(letter, .kept(reason))
        return true
      }
      let lane = letter.lane.flatMap { Lane(rawValue: $0) } ?? lane(letter.claimedTier)
      replayed.insert(letter.key)
      batch.add(letter, lane, message, in: topology)
      if batch.letters.count >= Self.batchCount || batch.bytes >= Self.batchBytes {
        try await send(&batch, courier, each)
      }
      return true
    } atEnd: { () throws(AMQPError) in
      try await send(&batch, courier, each)
    }
  }

  /// Why a letter cannot be replayed, nil when it can.
  private func hindrance(_ letter: Letter) -> String? {
    if kind == .dead, EndCode(rawValue: letter.reason)?.isReplayable != true {
      return "a job that ended with \(letter.reason) would end the same way again"
    }
    return letter.run == nil ? "the letter does not say which run it ended" : nil
  }

  private func send(
    _ batch: inout Batch, _ courier: Courier, _ each: (Letter, Fate) -> Void
  ) async throws(AMQPError) {
    try await courier.send(batch.dispatches)
    await admin.settle(batch.settlements)
    try await admin.flush()
    for (letter, lane) in batch.letters { each(letter, .replayed(lane)) }
    batch = Batch()
  }

  /// Gets every message that is in the queue now, until `each` says false; `atEnd` runs while all are still held.
  /// `isKnown`: another letter of the same run came before.
  private func scan(
    _ each: (_ letter: Letter, _ message: AMQPDelivery, _ isKnown: Bool) async throws(AMQPError) -> Bool,
    atEnd: () async throws(AMQPError) -> Void = {}
  ) async throws(AMQPError) -> Int {
    let total = try await admin.queueStatus(queue).messages
    var known: Set<Letter.Key> = []
    var held: [AMQPSettlement] = []
    for _ in 0..<total {
      guard let message = try await admin.get(queue) else { break }
      held.append(AMQPSettlement(message.address, .requeue))
      let letter = Letter(message)
      guard try await each(letter, message, !known.insert(letter.key).inserted) else { break }
    }
    try await atEnd()
    for one in held { await admin.settle([one]); try await admin.flush() }
    await admin.close()
    return total
  }
}

/// Replays that go out together.
private struct Batch {
  var letters: [(Letter, Lane)] = []
  var dispatches: [Dispatch] = []
  var settlements: [AMQPSettlement] = []
  var bytes = 0

  mutating func add(_ letter: Letter, _ lane: Lane, _ message: AMQPDelivery, in topology: Topology) {
    letters.append((letter, lane))
    dispatches.append(letter.replay(of: message, to: lane, in: topology))
    settlements.append(AMQPSettlement(message.address, .ack))
    bytes += message.body.count
  }
}

extension Letter {
  /// The message as its sender published it, with the run that it follows.
  fileprivate func replay(of message: AMQPDelivery, to lane: Lane, in topology: Topology) -> Dispatch {
    var properties = message.properties
    properties.headers.entries.removeAll { Header.isOfLetters($0.key) }
    properties.headers[Header.replays] = run.map { .string($0) }
    properties.expiration = nil
    properties.userId = nil
    return Dispatch(
      exchange: topology.jobs, routingKey: lane.rawValue, mandatory: true, properties: properties, body: message.body)
  }
}
