package import AMQP
package import Contracts

/// Declares what is missing and says what is unsafe. Existing queues are looked at passively first, because declaring
/// one with other arguments is an error that closes the channel. Bays are left out: they come with need, and whoever opens
/// one compares it.
package struct TopologyKeeper: Sendable {
  package struct Applied: Sendable {
    package var created: [String] = []
    /// Whether a lane had to be created: then the fleet never ran here before.
    package var isNewFleet = false
  }

  /// Something an operator should know, with what to do about it.
  package struct Finding: Sendable, Hashable {
    package enum Severity: String, Sendable { case missing, unsafe, note }
    package var severity: Severity
    package var subject: String
    package var message: String
    package var remedy: String
  }

  private let topology: Topology
  private let admin: AMQPAdmin

  package init(topology: Topology, admin: AMQPAdmin) {
    self.topology = topology
    self.admin = admin
  }

  /// Creates every exchange, queue and binding that is missing; leaves what exists as it is.
  package func apply() async throws(AMQPError) -> Applied {
    let plan = TopologyPlan(topology: topology, version: try await version())
    var applied = Applied()
    for exchange in plan.exchanges where !(try await exists(exchange: exchange.name)) {
      try await admin.exchangeDeclare(exchange.name, exchange.kind, arguments: exchange.arguments)
      applied.created.append(exchange.name)
    }
    for queue in plan.queues {
      if !(try await exists(queue: queue.name)) {
        _ = try await admin.queueDeclare(queue.name, arguments: queue.arguments)
        applied.created.append(queue.name)
        if Lane.allCases.contains(where: { topology.queue(of: $0) == queue.name }) { applied.isNewFleet = true }
      }
      if let binding = queue.binding {
        try await admin.queueBind(queue.name, to: binding.exchange, routingKey: binding.key)
      }
    }
    return applied
  }

  /// Compares the broker with the plan. Changes nothing: what is missing is not created.
  package func check() async throws(AMQPError) -> [Finding] {
    let version = try await self.version()
    let plan = TopologyPlan(topology: topology, version: version)
    var findings: [Finding] = []
    for exchange in plan.exchanges {
      guard try await exists(exchange: exchange.name) else {
        findings.append(missing(exchange.name, "exchange"))
        continue
      }
      do {
        try await admin.exchangeDeclare(exchange.name, exchange.kind, arguments: exchange.arguments)
      } catch  where error.code == .preconditionFailed {
        findings.append(differs(exchange.name, "exchange", of: "kind \(exchange.kind)", exchange.arguments))
      }
    }
    for queue in plan.queues {
      guard try await exists(queue: queue.name) else {
        findings.append(missing(queue.name, "queue"))
        continue
      }
      do {
        _ = try await admin.queueDeclare(queue.name, arguments: queue.arguments)
      } catch  where error.code == .preconditionFailed {
        findings.append(differs(queue.name, "queue", of: "arguments", queue.arguments))
      }
    }
    return findings + advice(version)
  }

  private func exists(exchange name: String) async throws(AMQPError) -> Bool {
    do {
      try await admin.exchangeDeclare(name, .topic, passive: true)
      return true
    } catch  where error.code == .notFound {
      return false
    }
  }

  private func exists(queue name: String) async throws(AMQPError) -> Bool {
    do {
      _ = try await admin.queueStatus(name)
      return true
    } catch  where error.code == .notFound {
      return false
    }
  }

  /// The broker's, such as `3.10.8`.
  private func version() async throws(AMQPError) -> String {
    try await admin.serverProperties()["version"]?.string ?? ""
  }

  private func missing(_ name: String, _ kind: String) -> Finding {
    Finding(
      severity: .missing, subject: name, message: "the \(kind) does not exist",
      remedy: "tollway topology apply")
  }

  private func differs(_ name: String, _ kind: String, of part: String, _ arguments: AMQPTable) -> Finding {
    let wanted = arguments.entries.map { "\($0.key)=\($0.value.plain)" }.joined(separator: " ")
    return Finding(
      severity: .unsafe, subject: name, message: "the \(kind) was declared with other \(part); wanted: \(wanted)",
      remedy: "move its messages away, delete it, then tollway topology apply")
  }

  /// What only a policy can set, or what an operator should have.
  private func advice(_ version: String) -> [Finding] {
    guard let major = version.split(separator: ".").first.flatMap({ Int($0) }), major >= 4 else { return [] }
    let pattern = topology.namespace.isEmpty ? "^jobs\\." : "^\(topology.namespace)\\.jobs\\."
    return [
      Finding(
        severity: .note, subject: topology.jobs,
        message: "queues declared by an older broker have a delivery limit of 20 here, which buries healthy jobs",
        remedy: "rabbitmqctl set_policy tollway-no-limit '\(pattern)' '{\"delivery-limit\": -1}' --apply-to queues")
    ]
  }
}

extension AMQPField {
  fileprivate var plain: String {
    switch self {
    case .string(let text): text
    case .int(let number): String(number)
    default: "\(self)"
    }
  }
}
