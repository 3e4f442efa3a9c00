package import Contracts

/// What a worker says of itself every second, for `tollway lanes`. Kept in one hash; a report older than
/// `freshness` is of a worker that is gone.
package struct WorkerReport: Sendable, Equatable {
  package static let freshness: Duration = .seconds(5)

  package var worker: String
  package var slots: Int
  package var running: [Lane: Int] = [:]
  /// Deliveries in front of the slots.
  package var buffered: [Lane: Int] = [:]

  package init(worker: String, slots: Int) {
    self.worker = worker
    self.slots = slots
  }

  func encoded(at time: Timestamp) -> [UInt8] {
    var json = JSONWriter(capacity: 192)
    json.literal("{")
    json.member("at", time.milliseconds)
    json.member("slots", Int64(slots))
    for lane in Lane.allCases {
      json.literal(",")
      json.string(lane.rawValue)
      json.literal(":[")
      json.integer(Int64(running[lane] ?? 0))
      json.literal(",")
      json.integer(Int64(buffered[lane] ?? 0))
      json.literal("]")
    }
    json.literal("}")
    return json.bytes
  }

  /// Nil for bytes of another form and for reports that are not fresh.
  init?(worker: String, decoding bytes: [UInt8], now: Timestamp) {
    let root: JSONValue
    do { root = try JSONParser.parse(bytes).root } catch { return nil }
    guard let at = root["at"]?.integer, let slots = root["slots"]?.integer,
      now.milliseconds - Int64(at) <= Self.freshness.milliseconds
    else { return nil }
    self.init(worker: worker, slots: slots)
    for lane in Lane.allCases {
      let counts = root[lane.rawValue]?.elements.compactMap(\.integer) ?? []
      guard counts.count == 2 else { return nil }
      running[lane] = counts[0]
      buffered[lane] = counts[1]
    }
  }
}
