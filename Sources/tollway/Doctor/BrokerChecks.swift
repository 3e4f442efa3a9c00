import AMQP
import Contracts
import Lanes

/// Is RabbitMQ there, is it new enough, does it have our exchanges and queues, may we use them, does it take messages.
struct BrokerChecks {
  /// Quorum queues dead-letter at least once from 3.10 on, which the delay ladder needs.
  static let oldest = (3, 10)

  let wires: Wires
  let address: String

  func run(_ checkup: inout Checkup) async {
    do {
      let server = try await wires.broker.withAdmin { admin in try await admin.serverProperties() }
      let version = server["version"]?.string ?? "of an unknown version"
      judge(version, server["product"]?.string ?? "broker", &checkup)
    } catch {
      return checkup.fail("RabbitMQ", error)
    }
    await topology(&checkup)
    await messages(&checkup)
    checkup.note(
      "consumer timeout", "cannot be asked from here: keep consumer_timeout at 30 minutes or more, its default")
  }

  private func judge(_ version: String, _ product: String, _ checkup: inout Checkup) {
    let parts = version.split(separator: ".").prefix(2).compactMap { Int($0) }
    guard parts.count == 2, (parts[0], parts[1]) >= Self.oldest else {
      return checkup.fail(
        "RabbitMQ", "\(product) \(version) at \(address)", "install RabbitMQ \(Self.oldest.0).\(Self.oldest.1) or newer"
      )
    }
    checkup.fine("RabbitMQ", "\(product) \(version) at \(address)")
  }

  private func topology(_ checkup: inout Checkup) async {
    do {
      let findings = try await wires.broker.withAdmin { admin in
        try await TopologyKeeper(topology: wires.topology, admin: admin).check()
      }
      for finding in findings where finding.severity == .unsafe {
        checkup.fail("topology", "\(finding.subject): \(finding.message)", finding.remedy)
      }
      let missing = findings.filter { $0.severity == .missing }
      if let first = missing.first {
        let more = missing.count > 1 ? " and \(missing.count - 1) more" : ""
        checkup.fail("topology", "\(first.subject)\(more) missing", first.remedy)
      }
      for finding in findings where finding.severity == .note {
        checkup.warn("topology", "\(finding.subject): \(finding.message)", finding.remedy)
      }
      if findings.allSatisfy({ $0.severity == .note }) {
        checkup.fine("topology", "exchanges and queues as they should be")
      }
    } catch {
      checkup.fail("topology", error)
    }
  }

  private func messages(_ checkup: inout Checkup) async {
    do {
      let took = try await wires.broker.roundTrip()
      checkup.fine("messages", "may declare, bind, publish and delete; confirmed in \(took.inMilliseconds)")
    } catch {
      checkup.fail("messages", error)
    }
  }
}

extension Duration {
  /// `0.42 ms`.
  fileprivate var inMilliseconds: String {
    "\((seconds * 100_000).rounded() / 100) ms"
  }
}
