package import AMQP
package import Contracts

/// Makes parking bays, on demand only, and says what is in them. Over a connection of its own, made with the first call
/// and anew with the first after a loss; each call blocks a thread of its own, not its caller's. Safe to share.
package struct BayKeeper: Sendable {
  private let topology: Topology
  private let admin: AMQPAdmin
  private let timeToLive: Duration

  /// - Parameter timeToLive: after which a parked message goes back to its lane by itself; all keepers of a fleet must
  ///   agree, because a bay that exists with another is refused.
  init(topology: Topology, admin: AMQPAdmin, timeToLive: Duration = TopologyPlan.bayTimeToLive) {
    self.topology = topology
    self.admin = admin
    self.timeToLive = timeToLive
  }

  /// Makes the bay if there is none. Returns the ready messages in it; those that somebody holds are not among them, and
  /// a bay whose leader does not answer says 0. Throws `.preconditionFailed` for one that was declared otherwise:
  /// messages could be lost in it.
  package func open(_ bay: Int) async throws(AMQPError) -> Int {
    let version = try await admin.serverProperties()["version"]?.string ?? ""
    let queue = TopologyPlan.bay(bay, topology, version: version, timeToLive: timeToLive)
    try await admin.exchangeDeclare(queue.name, .fanout)
    let status = try await admin.queueDeclare(queue.name, arguments: queue.arguments)
    try await admin.queueBind(queue.name, to: queue.name)
    return status.messages
  }

  /// The bays that exist, of those numbered 1 to `pool`, with their ready messages.
  package func existing(upTo pool: Int) async throws(AMQPError) -> [(bay: Int, messages: Int)] {
    var found: [(bay: Int, messages: Int)] = []
    for bay in stride(from: 1, through: pool, by: 1) {
      do {
        found.append((bay, try await admin.queueStatus(topology.bay(bay)).messages))
      } catch  where error.code == .notFound {
        continue
      }
    }
    return found
  }

  /// What is ready in the lanes' queues, counted over the same connection. The broker's figures can be seconds old.
  package func ready() async throws(AMQPError) -> [Lane: Int] {
    var ready: [Lane: Int] = [:]
    for lane in Lane.allCases { ready[lane] = try await admin.queueStatus(topology.queue(of: lane)).messages }
    return ready
  }

  /// Ends the connection.
  package func close() async { await admin.close() }
}
