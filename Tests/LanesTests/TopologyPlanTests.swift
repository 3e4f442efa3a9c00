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

  @Test(arguments: [("3.10.8", nil), ("4.0.9", -1)] as [(String, Int64?)])
  func `a bay is like a rung of six hours, and only made on demand`(version: String, limit: Int64?) {
    let topology = Topology(namespace: "blue")
    let bay = TopologyPlan.bay(7, topology, version: version, timeToLive: TopologyPlan.bayTimeToLive)
    #expect(bay.name == "blue.jobs.parking.007")
    #expect(bay.binding?.exchange == bay.name)
    #expect(bay.arguments["x-queue-type"] == "quorum")
    #expect(bay.arguments["x-delivery-limit"]?.int == limit)
    #expect(bay.arguments["x-message-ttl"] == 21_600_000)
    #expect(bay.arguments["x-dead-letter-exchange"] == "blue.jobs")
    #expect(bay.arguments["x-dead-letter-routing-key"] == nil)
    #expect(bay.arguments["x-dead-letter-strategy"] == "at-least-once")
    #expect(bay.arguments["x-overflow"] == "reject-publish")
    let plan = TopologyPlan(topology: topology, version: version)
    #expect(!plan.queues.contains { $0.name.contains("parking") })
  }

  @Test(arguments: [(1, "jobs.parking.001"), (42, "jobs.parking.042"), (256, "jobs.parking.256")])
  func `bays are numbered with three digits and belong to the fleet`(number: Int, name: String) {
    #expect(Topology().bay(number) == name)
    #expect(Topology().owns(queue: name))
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

  @Test(arguments: [(0, 1), (999, 1), (1000, 1), (1999, 1), (17_000, 16), (34_000, 32), (5_000_000, 1024)])
  func `a trip to an instant is not longer than the time until then`(milliseconds: Int, seconds: Int) {
    #expect(Topology.trip(within: .milliseconds(milliseconds)) == .seconds(seconds))
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
