package import Contracts

/// What a worker says of itself every second, for `tollway lanes` and the figures of the whole fleet. Kept in one hash;
/// a report older than `freshness` is of a worker that is gone.
package struct WorkerReport: Sendable, Equatable {
  package static let freshness: Duration = .seconds(5)

  package var worker: String
  package var slots: Int
  package var running: [Lane: Int] = [:]
  /// Deliveries in front of the slots.
  package var buffered: [Lane: Int] = [:]
  /// How long the first of them has been there. Queues are first in, first out: what is still in the lane is younger.
  package var oldest: [Lane: Duration] = [:]
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
      json.literal("]")
    }
    json.literal("}")
    return json.bytes
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
    }
  }
}
