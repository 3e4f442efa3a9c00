import AMQP
import Contracts

/// The exchanges, queues and bindings of a fleet as data, for a broker of a given version. See the contract's table.
struct TopologyPlan: Sendable {
  struct Exchange: Sendable {
    var name: String
    var kind: AMQPExchangeKind
    var arguments: AMQPTable = [:]
  }

  struct Queue: Sendable {
    var name: String
    var arguments: AMQPTable
    /// The exchange it hangs on, and the routing key; the default exchange reaches every queue by its name.
    var binding: (exchange: String, key: String)?
  }

  let exchanges: [Exchange]
  let queues: [Queue]

  /// - Parameter version: of the broker, such as `3.10.8`.
  init(topology: Topology, version: String) {
    let quorum = Self.quorum(version)
    exchanges =
      [
        Exchange(name: topology.unrouted, kind: .fanout),
        Exchange(name: topology.jobs, kind: .topic, arguments: ["alternate-exchange": .string(topology.unrouted)]),
        Exchange(name: topology.costs, kind: .topic), Exchange(name: topology.results, kind: .topic),
        Exchange(name: topology.alerts, kind: .topic),
      ] + Topology.rungs.map { Exchange(name: topology.delay(seconds: $0), kind: .fanout) }
    queues =
      Lane.allCases.map { lane in
        Queue(name: topology.queue(of: lane), arguments: quorum, binding: (topology.jobs, lane.rawValue))
      } + [
        Queue(name: topology.intake, arguments: quorum, binding: (topology.unrouted, "")),
        Queue(name: topology.dead, arguments: quorum), Queue(name: topology.blocked, arguments: quorum),
        Queue(name: topology.costsLedger, arguments: quorum, binding: (topology.costs, "#")),
      ] + Topology.rungs.map { Self.rung($0, topology, quorum) }
  }

  /// Quorum queues without a delivery limit: 4.0 and later would bury a healthy job after 20 returns.
  private static func quorum(_ version: String) -> AMQPTable {
    var arguments: AMQPTable = ["x-queue-type": "quorum"]
    if let major = version.split(separator: ".").first.flatMap({ Int($0) }), major >= 4 {
      arguments["x-delivery-limit"] = -1
    }
    return arguments
  }

  private static func rung(_ seconds: Int, _ topology: Topology, _ quorum: AMQPTable) -> Queue {
    waiting(in: topology.delay(seconds: seconds), for: .seconds(seconds), topology, quorum)
  }

  /// Of messages in bays. The last net only: they are fetched when their turn comes.
  static let bayTimeToLive = Duration.seconds(6 * 3600)

  /// Not part of the plan: bays are made when they are needed, by `BayKeeper`.
  static func bay(_ number: Int, _ topology: Topology, version: String, timeToLive: Duration) -> Queue {
    waiting(in: topology.bay(number), for: timeToLive, topology, quorum(version))
  }

  /// A fixed waiting time, then back into `jobs` under the routing key it came with. At least once: a job that waits
  /// survives a lane that cannot be reached. That needs `reject-publish`.
  private static func waiting(
    in name: String, for time: Duration, _ topology: Topology, _ quorum: AMQPTable
  ) -> Queue {
    var arguments = quorum
    arguments["x-message-ttl"] = .int(Int64(time / .milliseconds(1)))
    arguments["x-dead-letter-exchange"] = .string(topology.jobs)
    arguments["x-dead-letter-strategy"] = "at-least-once"
    arguments["x-overflow"] = "reject-publish"
    return Queue(name: name, arguments: arguments, binding: (name, ""))
  }
}
