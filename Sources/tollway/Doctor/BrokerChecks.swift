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
    await roles(&checkup)
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

  /// Whether anybody works and books.
  private func roles(_ checkup: inout Checkup) async {
    let (lanes, ledger) = (Lane.allCases.map(wires.topology.queue(of:)), wires.topology.costsLedger)
    do {
      let queues = try await wires.broker.withAdmin { admin in
        var queues: [String: AMQPQueueStatus] = [:]
        for name in lanes + [ledger] { queues[name] = try await admin.queueStatus(name) }
        return queues
      }
      let taking = lanes.reduce(0) { max($0, queues[$1]?.consumers ?? 0) }
      let waiting = lanes.reduce(0) { $0 + (queues[$1]?.messages ?? 0) }
      if taking > 0 {
        checkup.fine("workers", "\(taking) of them take jobs")
      } else if waiting > 0 {
        checkup.fail(
          "workers", "\(waiting == 1 ? "1 job waits" : "\(waiting) jobs wait"), and nobody works", "tollway worker")
      } else {
        checkup.note("workers", "none runs; tollway worker starts one")
      }
      let unbooked = queues[ledger]?.messages ?? 0
      if queues[ledger]?.consumers ?? 0 > 0 {
        checkup.fine("billing", "\(unbooked) cost events wait for it")
      } else if unbooked > 0 {
        checkup.fail(
          "billing", "\(unbooked == 1 ? "1 cost event waits" : "\(unbooked) cost events wait"), and nobody books",
          "tollway billing")
      } else {
        checkup.note("billing", "none runs; tollway billing starts it")
      }
    } catch let error as AMQPError where error.code == .notFound {
      checkup.note("workers, billing", "cannot be looked for before the topology is there")
    } catch {
      checkup.fail("workers, billing", error)
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
