import AMQP
import Contracts
import Testing

@testable import Lanes

@Suite struct TopologyPlanTests {
  @Test func `every queue of the contract is declared under the namespace`() {
    let plan = TopologyPlan(topology: Topology(namespace: "blue"), version: "3.10.8")
    let names = Set(plan.queues.map(\.name))
    for queue in [
      "jobs.critical", "jobs.high", "jobs.standard", "jobs.low", "jobs.intake", "jobs.dead", "jobs.blocked",
      "costs.ledger",
    ] {
      #expect(names.contains("blue.\(queue)"))
    }
    #expect(
      Set(plan.exchanges.map(\.name)).isSuperset(of: [
        "blue.jobs", "blue.jobs.unrouted", "blue.costs", "blue.results", "blue.alerts",
      ]))
  }

  @Test(arguments: [("3.10.8", nil), ("3.13.7", nil), ("4.0.9", -1), ("4.3.1", -1)] as [(String, Int64?)])
  func `no queue has a delivery limit on any broker`(version: String, limit: Int64?) {
    let plan = TopologyPlan(topology: Topology(), version: version)
    for queue in plan.queues { #expect(queue.arguments["x-delivery-limit"]?.int == limit, "\(queue.name)") }
  }

  @Test func `a rung waits its time, loses nothing and leads back to the lane it came from`() {
    let plan = TopologyPlan(topology: Topology(), version: "3.10.8")
    let rungs = plan.queues.filter { $0.name.hasPrefix("jobs.delay.") }
    #expect(rungs.count == Topology.rungs.count)
    for rung in rungs {
      #expect(rung.arguments["x-dead-letter-exchange"] == .string("jobs"))
      #expect(rung.arguments["x-dead-letter-routing-key"] == nil)
      #expect(rung.arguments["x-dead-letter-strategy"] == .string("at-least-once"))
      #expect(rung.arguments["x-overflow"] == .string("reject-publish"))
    }
  }

  @Test func `no lane can lead into a rung`() {
    let plan = TopologyPlan(topology: Topology(), version: "4.1.0")
    for queue in plan.queues where !queue.name.hasPrefix("jobs.delay.") {
      #expect(queue.arguments["x-dead-letter-exchange"] == nil, "\(queue.name)")
    }
  }

  @Test(arguments: [(0, 1), (1, 1), (2, 2), (3, 4), (30, 32), (1024, 1024), (5000, 1024)])
  func `a delay takes the smallest rung that is long enough`(seconds: Int, rung: Int) {
    #expect(Topology.rung(for: .seconds(seconds)) == rung)
  }

  @Test func `the fleet knows its own queues from others`() {
    let topology = Topology(namespace: "blue")
    for name in ["blue.jobs.low", "blue.costs.ledger", "blue.jobs", "blue.results"] {
      #expect(topology.owns(queue: name))
    }
    for name in [
      "jobs.low", "blue.jobsite", "blue.results.client7", "blue.costs.mine", "green.jobs.low", "replies", "amq.gen-x",
    ] {
      #expect(!topology.owns(queue: name))
    }
  }
}
