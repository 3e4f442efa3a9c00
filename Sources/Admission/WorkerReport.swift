package import Contracts

/// What a worker says of itself every second, for `tollway lanes` and the figures of the whole fleet. Kept in one hash;
/// a report older than `freshness` is of a worker that is gone.
package struct WorkerReport: Sendable, Equatable {
  package static let freshness: Duration = .seconds(5)
  /// Providers whose calls are told of, those with the most calls first.
  static let mostProviders = 64

  package var worker: String
  package var slots: Int
  package var running: [Lane: Int] = [:]
  /// Deliveries in front of the slots.
  package var buffered: [Lane: Int] = [:]
  /// How long the first of them has been there. Queues are first in, first out: what is still in the lane is younger.
  package var oldest: [Lane: Duration] = [:]
  /// Deliveries taken from the lane's queue since the worker began.
  package var taken: [Lane: Int64] = [:]
  /// Runs of the lane's jobs that ended here since then.
  package var ended: [Lane: Int64] = [:]
  /// From arrival to start, of jobs of the last minute that had to wait for nothing but a slot.
  package var waits: [Lane: DurationHistogram] = [:]
  /// How long the calls of the last minute took, by provider; without clips, which take as long as they are.
  package var calls: [String: DurationHistogram] = [:]
  /// Deliveries and non-empty gets since the worker began.
  package var deliveries: Int64 = 0
  /// Runs that ended here since then.
  package var finished: Int64 = 0

  package init(worker: String, slots: Int) {
    self.worker = worker
    self.slots = slots
  }

  /// The time stands first: the census reads it without reading the rest.
  func encoded(at time: Timestamp) -> [UInt8] {
    var json = JSONWriter(capacity: 256)
    json.literal("{")
    json.member("at", time.milliseconds)
    json.member("slots", Int64(slots))
    json.member("deliveries", deliveries)
    json.member("finished", finished)
    for lane in Lane.allCases {
      json.literal(",")
      json.string(lane.rawValue)
      json.literal(":[")
      json.integer(Int64(running[lane] ?? 0))
      json.literal(",")
      json.integer(Int64(buffered[lane] ?? 0))
      json.literal(",")
      json.integer(oldest[lane]?.milliseconds ?? 0)
      json.literal(",")
      json.integer(taken[lane] ?? 0)
      json.literal(",")
      json.integer(ended[lane] ?? 0)
      json.literal("]")
    }
    write(Lane.allCases.compactMap { lane in waits[lane].map { (lane.rawValue, $0) } }, as: "waits", to: &json)
    let busiest = calls.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.prefix(Self.mostProviders)
    write(busiest.map { ($0.key, $0.value) }, as: "calls", to: &json)
    json.literal("}")
    return json.bytes
  }

  private func write(_ histograms: [(String, DurationHistogram)], as name: StaticString, to json: inout JSONWriter) {
    guard !histograms.isEmpty else { return }
    json.key(name)
    for (index, (name, histogram)) in histograms.enumerated() {
      json.literal(index == 0 ? "{" : ",")
      json.string(name)
      json.literal(":")
      histogram.write(to: &json)
    }
    json.literal("}")
  }

  /// Nil for bytes of another form. Members that an older release does not write count as 0.
  init?(worker: String, decoding bytes: [UInt8]) {
    let root: JSONValue
    do { root = try JSONParser.parse(bytes).root } catch { return nil }
    guard let slots = root["slots"]?.integer else { return nil }
    self.init(worker: worker, slots: slots)
    deliveries = Int64(root["deliveries"]?.integer ?? 0)
    finished = Int64(root["finished"]?.integer ?? 0)
    for lane in Lane.allCases {
      let counts = root[lane.rawValue]?.elements.compactMap(\.integer) ?? []
      guard counts.count >= 2 else { return nil }
      running[lane] = counts[0]
      buffered[lane] = counts[1]
      if counts[1] > 0, counts.count > 2 { oldest[lane] = .milliseconds(counts[2]) }
      if counts.count > 3 { taken[lane] = Int64(counts[3]) }
      if counts.count > 4 { ended[lane] = Int64(counts[4]) }
      waits[lane] = root["waits"]?[lane.rawValue].flatMap { DurationHistogram(reading: $0) }
    }
    for member in root["calls"]?.members ?? [] {
      calls[member.key] = DurationHistogram(reading: member.value)
    }
  }
}
