import Contracts

// When a waiting job is expected to start, as prelude and `explain` calculate it.

extension RoomsModel {
  /// Milliseconds until the job at a place in the line starts.
  /// - Parameter starts: when those who hold the slots began; nil where nobody looked.
  func expectedStart(
    _ key: Key, now: Int, position: Int, wait: Int, pace: Double, starts: [Int]? = nil
  ) -> Int {
    let room = rooms[key] ?? Room()
    let limit = max(1, room.limit)
    var turn = max(users[key.user].length ?? 0, room.every * Double(limit))
    if turn == 0 { turn = Double((starts ?? []).reduce(1000) { max($0, now - $1) }) }
    var line = Double(position) * turn / Double(limit)
    if let starts {
      let ends = starts.map { max(0, Double($0 - now) + turn) }.sorted()
      let index = (position - 1) % limit + ends.count - limit
      line = (ends.indices.contains(index) ? ends[index] : 0) + Double((position - 1) / limit) * turn
    }
    return Int(max(Double(wait), line, Double(position) * pace).rounded(.up))
  }

  /// How far apart the rates keep starts in the long run, milliseconds.
  static func pace(of user: SimulatedWorld.User) -> Double {
    max(user.perMinute.map { 60_000 / Double($0) } ?? 0, user.emission.map { Double($0) / 1000 } ?? 0)
  }

  /// As `explain` says it; nil for a job that does not wait.
  func explainedStart(of job: Int, _ key: Key, _ user: SimulatedWorld.User, at micros: Int) -> Int? {
    guard let record = jobs[job], record.state == .waiting, let room = rooms[key] else { return nil }
    let now = micros / 1000
    let sequence = record.sequence ?? room.sequence + 1
    let position = sequence > room.sequence + 1 ? 1 : max(1, sequence - room.head)
    let begun = Dictionary(
      jobs.values.compactMap { record in record.lease.map { ($0, record.since) } }, uniquingKeysWith: max)
    let starts = users[key.user].leases.filter { $1 > now }.map { begun[$0.key] ?? now }
    return expectedStart(
      key, now: now, position: position, wait: max(0, room.gate - now),
      pace: record.attempt == 0 ? Self.pace(of: user) : 0, starts: starts)
  }
}
