import AMQP
package import Contracts

/// The queue of dead letters, or that of blocked jobs, as a command handles it: looks at all of them, acks only those
/// that were replayed. Somebody else who looks at the same moment sees what is left. See `LetterScan` for the how.
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
  private let scan: LetterScan

  init(_ kind: Kind, topology: Topology, scan: LetterScan) {
    self.kind = kind
    self.topology = topology
    self.scan = scan
  }

  /// The first letters, oldest first as far as the broker keeps their order.
  /// - Returns: `total` counts the messages in the queue, duplicates and other reasons included.
  package func list(
    reason: String?, limit: Int
  ) async throws -> (letters: [Letter], total: Int) {
    var known: Set<Letter.Key> = []
    var letters: [Letter] = []
    let total = try await scan.run { letter, _, _ in
      if known.insert(letter.key).inserted, reason == nil || letter.reason == reason { letters.append(letter) }
      return letters.count < limit
    }
    return (letters, total)
  }

  /// The letters of one job, a run each, with their bodies.
  package func letters(of id: String) async throws -> [(letter: Letter, body: [UInt8])] {
    var known: Set<Letter.Key> = []
    var found: [(Letter, [UInt8])] = []
    _ = try await scan.run { letter, message, _ in
      if letter.id == id, known.insert(letter.key).inserted { found.append((letter, message.body)) }
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
  ) async throws {
    var batch = Batch()
    var replayed: Set<Letter.Key> = []
    _ = try await scan.run { letter, message, acks in
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
        try await send(&batch, courier, acks, each)
      }
      return true
    } atEnd: { acks in
      try await send(&batch, courier, acks, each)
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
    _ batch: inout Batch, _ courier: Courier, _ acks: LetterScan.Acks, _ each: (Letter, Fate) -> Void
  ) async throws {
    try await courier.send(batch.dispatches)
    await acks(batch.settlements)
    for (letter, lane) in batch.letters { each(letter, .replayed(lane)) }
    batch = Batch()
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
