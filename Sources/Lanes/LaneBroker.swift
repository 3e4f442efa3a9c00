package import AMQP
package import Contracts
package import Logging

/// The broker as the rooms above know it: from one address, the ends that a role needs. Each end has a connection of
/// its own, because an alarm stops the broker reading from a connection that publishes, acks included.
package struct LaneBroker: Sendable {
  package let topology: Topology
  let logger: Logger
  private let configuration: AMQPConfiguration

  package init(_ configuration: AMQPConfiguration, topology: Topology, logger: Logger) {
    self.configuration = configuration
    self.topology = topology
    self.logger = logger
  }

  func configuration(for end: String) -> AMQPConfiguration {
    var configuration = configuration
    configuration.name += " \(end)"
    configuration.maxBodyBytes = JobMessage.maximumBytes
    return configuration
  }

  package func intake(lanes: [Lane], prefetch: Int) -> LaneIntake {
    LaneIntake(
      topology: topology, lanes: lanes, prefetch: prefetch, configuration: configuration(for: "consume"),
      logger: logger)
  }

  package func postOffice() -> PostOffice {
    PostOffice(
      topology: topology, publisher: AMQPPublisher(configuration: configuration(for: "publish"), logger: logger),
      logger: logger)
  }

  package func costStream(prefetch: Int) -> CostStream {
    CostStream(
      topology: topology, prefetch: prefetch, configuration: configuration(for: "costs"), logger: logger)
  }

  package func bayKeeper() -> BayKeeper {
    BayKeeper(topology: topology, admin: AMQPAdmin(configuration: configuration(for: "bays")))
  }

  package func admin() -> AMQPAdmin { AMQPAdmin(configuration: configuration(for: "admin")) }
}
