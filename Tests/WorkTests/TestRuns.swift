import Admission
import Catalog
import Contracts
import TestKit

@testable import AMQP
@testable import Lanes
@testable import Work

/// Jobs, deliveries and plans as the stages before a run would have made them.
enum TestRuns {
  static func job(
    _ id: String = "j", task: TaskType, payload: String, deadline: Timestamp? = nil
  ) throws -> Job {
    let more = deadline.map { #","deadline":"\#($0)""# } ?? ""
    let body = #"{"id":"\#(id)","userId":"u","taskType":"\#(task.rawValue)","payload":\#(payload)\#(more)}"#
    guard case .job(let job) = JobMessage.decode(Array(body.utf8), messageID: nil) else {
      throw SystemFailure("the message is no job")
    }
    return job
  }

  static func arrival(_ job: Job) -> Arrival {
    let message = AMQPDelivery(
      address: AMQPDeliveryAddress(generation: 1, channel: 1, tag: 1), queue: "q", subscription: 0, redelivered: false,
      exchange: "", routingKey: "low", properties: AMQPProperties(), body: [], propertyBytes: 0)
    let delivery = Delivery(message, lane: .low, serial: 0, topology: Topology(), budget: ByteBudget(limit: 1))
    return Arrival(delivery: delivery, job: job, lane: .low, firstSeen: Timestamp(milliseconds: 0))
  }

  static let tier = TierPolicy(
    code: "T", lane: .low, batchSize: 1, routing: .latest, canary: false, pinned: [:], providers: [:],
    monthly: MonthlyQuotas(), concurrency: 100, rate: nil, costCap: nil, showsBetaModels: true,
    allowsUnverifiedModels: true)

  /// - Parameter model: what the provider is asked for.
  static func candidate(
    _ provider: ProviderDefinition, model: String = "m", version: String? = nil, price: Price? = nil
  ) -> Plan.Candidate {
    Plan.Candidate(Router.Choice(provider: provider, model: model, version: version, id: model), price: price)
  }

  static func run(
    _ job: Job, _ candidates: [Plan.Candidate], run: String = "r", attempt: Int = 1, lease: String = "w.0/j",
    skipped: [RouteSkip] = [], startedAt: Timestamp = Timestamp(milliseconds: 0)
  ) -> Run {
    let plan = Plan(tier: tier, limits: AdmissionLimits(of: tier), candidates: candidates, skipped: skipped)
    let held = HeldLease(
      job: job, leaseID: lease, run: run, attempt: attempt, intent: Array("intent".utf8), month: "2026-11")
    return Run(
      arrival: arrival(job), plan: plan, lane: .low, lease: held, startedAt: startedAt, earlierCosts: [])
  }

  static func openai(_ name: String, baseURL: String? = nil, timeout: Duration = .seconds(10)) -> ProviderDefinition {
    ProviderDefinition(
      name: name, kind: .openai, baseURL: baseURL, apiKeyVariable: nil, apiKeyFile: nil, timeout: timeout, command: [],
      isolation: .shared)
  }
}
