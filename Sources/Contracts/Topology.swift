/// Every exchange and queue name, in one place. A namespace puts `NS.` before each, so that fleets can share a broker.
package struct Topology: Sendable, Hashable {
  /// Waiting times of the delay ladder in seconds, one queue each: powers of two, so that any delay up to half an hour
  /// takes one or two trips.
  package static let rungs = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]

  package let namespace: String

  /// - Parameter namespace: empty, or letters, digits, `.`, `_`, `-`.
  package init(namespace: String = "") { self.namespace = namespace }

  private func name(_ base: String) -> String { namespace.isEmpty ? base : "\(namespace).\(base)" }

  package var jobs: String { name("jobs") }
  package func queue(of lane: Lane) -> String { name("jobs.\(lane.rawValue)") }
  package var unrouted: String { name("jobs.unrouted") }
  package var intake: String { name("jobs.intake") }
  /// The exchange of a rung and the queue behind it carry the same name.
  package func delay(seconds: Int) -> String { name("jobs.delay.\(seconds)s") }
  /// A parking bay, numbered from 1: an exchange and the queue behind it, as with a rung.
  package func bay(_ number: Int) -> String {
    let digits = String(number)
    return name("jobs.parking.\(String(repeating: "0", count: max(0, 3 - digits.count)))\(digits)")
  }
  package var dead: String { name("jobs.dead") }
  package var blocked: String { name("jobs.blocked") }
  package var costs: String { name("costs") }
  package var costsLedger: String { name("costs.ledger") }
  package var results: String { name("results") }
  package var alerts: String { name("alerts") }
  /// An exchange that is there once the fleet has had an API key; nothing is sent to it.
  package var keyed: String { name("jobs.keyed") }
  /// No queue has this name.
  package var pulse: String { name("pulse") }

  /// Whether a queue belongs to this fleet; a job's `reply_to` may not name one.
  package func owns(queue: String) -> Bool {
    queue == costsLedger || [jobs, results, alerts, costs].contains(queue)
      || Lane.allCases.contains { queue == self.queue(of: $0) }
      || [intake, dead, blocked].contains(queue)
      || queue.hasPrefix(name("jobs.delay.")) || queue.hasPrefix(name("jobs.parking."))
  }
}
