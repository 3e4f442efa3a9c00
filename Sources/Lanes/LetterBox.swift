import AMQP
package import Contracts

/// The queue of dead letters, or that of blocked jobs, as a command handles it: looks at all of them, acks only those
/// that were replayed. Somebody else who looks at the same moment sees what is left. See `LetterScan` for the how.
package struct LetterBox: Sendable {
  package enum Kind: Sendable { case dead, blocked }

  /// Which letters to replay.
  package enum Choice: Sendable {
    case ids(Set<String>)
    /// Those that were seen, and no later ones of the same jobs.
    case exactly(Set<Letter.Key>)
    case all(LetterFilter)

    fileprivate func includes(_ letter: Letter) -> Bool {
      switch self {
      case .ids(let ids): ids.contains(letter.id)
      case .exactly(let keys): keys.contains(letter.key)
      case .all(let filter): filter.includes(letter)
      }
    }
  }

  package enum Fate: Sendable {
    case replayed(Lane)
    /// It stays; the text says why.
    case kept(String)
  }

  private let kind: Kind
  private let topology: Topology
  private let scan: LetterScan

  init(_ kind: Kind, topology: Topology, scan: LetterScan) {
    self.kind = kind
    self.topology = topology
    self.scan = scan
  }

  /// The first letters, oldest first as far as the broker keeps their order.
  /// - Returns: `isAll`: there are no others.
  package func list(
    _ filter: LetterFilter, limit: Int
  ) async throws -> (letters: [Letter], isAll: Bool) {
    var known: Set<Letter.Key> = []
    var letters: [Letter] = []
    let isAll = try await scan.run { found in
      let letter = found.letter
      guard known.insert(letter.key).inserted, filter.includes(letter) else { return true }
      guard letters.count < limit else { return false }
      letters.append(letter)
      return true
    }
    return (letters, isAll)
  }

  /// The letters of one job, a run each, with their bodies.
  package func letters(of id: String) async throws -> [(letter: Letter, body: [UInt8])] {
    var known: Set<Letter.Key> = []
    var found: [(Letter, [UInt8])] = []
    _ = try await scan.run { next in
      if next.letter.id == id, known.insert(next.letter.key).inserted { found.append((next.letter, next.message.body)) }
      return true
    }
    return found
  }

  /// Publishes the chosen letters' messages to their lanes again, confirmed, and then removes the letters. Blocked jobs
  /// are released at 100 a second at most: a user's whole month may lie there.
  /// - Parameters:
  ///   - lane: that of a claimed tier, for letters which do not say where they were.
  ///   - each: told of every chosen letter, after it happened.
  ///   - begin: runs once, just before the first message goes out, and never where none does. When it throws, none does.
  package func replay(
    _ choice: Choice, through courier: Courier, lane: (_ claimedTier: String?) -> Lane,
    each: (Letter, Fate) -> Void, begin: () async throws -> Void = {}
  ) async throws {
    var batch = Batch()
    var pace = kind == .blocked ? Pace(perSecond: 100) : nil
    /// Run by job. A job that dies again while this goes on is not replayed twice: that could go on for ever.
    var replayed: [String: String?] = [:]
    _ = try await scan.run { found in
      let letter = found.letter
      guard choice.includes(letter) else { return true }
      if let run = replayed[letter.id] {
        if run == letter.run { batch.absorb(found) }
      } else if let reason = hindrance(letter) {
        each(letter, .kept(reason))
      } else {
        replayed[letter.id] = .some(letter.run)
        batch.add(found, letter.lane.flatMap { Lane(rawValue: $0) } ?? lane(letter.claimedTier), in: topology)
      }
      if batch.isFull { try await send(&batch, of: replayed.count, courier, begin, each, &pace) }
      return true
    } atEnd: {
      try await send(&batch, of: replayed.count, courier, begin, each, &pace)
    }
  }

  /// Why a letter cannot be replayed, nil when it can.
  private func hindrance(_ letter: Letter) -> String? {
    if kind == .dead, EndCode(rawValue: letter.reason)?.isReplayable != true {
      return "a job that ended with \(letter.reason) would end the same way again"
    }
    return letter.run == nil ? "the letter does not say which run it ended" : nil
  }

  /// - Parameter all: jobs that were replayed until now, with those of the batch.
  private func send(
    _ batch: inout Batch, of all: Int, _ courier: Courier, _ begin: () async throws -> Void,
    _ each: (Letter, Fate) -> Void, _ pace: inout Pace?
  ) async throws {
    if !batch.letters.isEmpty, batch.letters.count == all { try await begin() }
    try await pace?.wait(for: batch.letters.count)
    try await courier.send(batch.dispatches)
    for found in batch.done { await found.ack() }
    for (letter, lane) in batch.letters { each(letter, .replayed(lane)) }
    batch = Batch()
  }
}

/// Spreads work over time: after so many pieces the next wait until as much time has passed as they may take.
private struct Pace {
  private let each: Duration
  private var next = ContinuousClock.now

  init(perSecond: Int) { each = .seconds(1) / perSecond }

  mutating func wait(for pieces: Int) async throws {
    try await Task.sleep(until: next, clock: .continuous)
    next = max(next, .now) + each * pieces
  }
}

/// Replays that go out together.
private struct Batch {
  private(set) var letters: [(Letter, Lane)] = []
  private(set) var dispatches: [Dispatch] = []
  /// What goes when those are confirmed: the letters, and further ones of the same runs.
  private(set) var done: [LetterScan.Found] = []
  private var bytes = 0

  /// Bounds the bodies in hand. And few at a time: a channel of the broker keeps acks back while 32 of them are not yet
  /// applied by a quorum queue, and loses those when it closes (rabbitmq-server issue 10327).
  var isFull: Bool { done.count >= 15 || bytes >= 4 << 20 }

  mutating func add(_ found: LetterScan.Found, _ lane: Lane, in topology: Topology) {
    letters.append((found.letter, lane))
    dispatches.append(found.letter.replay(of: found.message, to: lane, in: topology))
    absorb(found)
  }

  /// Another letter of a run that is replayed already.
  mutating func absorb(_ found: LetterScan.Found) {
    done.append(found)
    bytes += found.message.body.count
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
