package import AMQP
package import Billing
package import Catalog
package import Contracts

// Where the parts of a sample come from.

extension FleetSampleMaker.Queues {
  package static func read(
    _ topology: Topology, through admin: AMQPAdmin
  ) async throws(AMQPError) -> FleetSampleMaker.Queues {
    var queues = FleetSampleMaker.Queues()
    for lane in Lane.allCases {
      let status = try await admin.queueStatus(topology.queue(of: lane))
      queues.ready[lane] = status.messages
      queues.consumers[lane] = status.consumers
    }
    queues.dead = try await admin.queueStatus(topology.dead).messages
    queues.blocked = try await admin.queueStatus(topology.blocked).messages
    queues.costs = try await admin.queueStatus(topology.costsLedger).messages
    return queues
  }
}

extension FleetSampleMaker.Books {
  package static func read(
    _ ledger: Ledger, _ reader: inout MoneyReader, _ budgets: Budgets, at now: Timestamp
  ) async throws(LedgerError) -> FleetSampleMaker.Books {
    let money = try await reader.read(ledger, budgets, at: now)
    return FleetSampleMaker.Books(
      conditions: try await ledger.conditions(), holds: try await ProviderHolds(in: ledger).list(),
      freeze: try await Freezes(in: ledger).current(), money: money)
  }
}
