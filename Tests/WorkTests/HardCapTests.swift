import Admission
import Catalog
import Contracts
import Foundation
import Logging
import Providers
import Redis
import TestKit
import Testing

@testable import Work

/// A hard cap from the price book to Redis: plan, admit, call, book, finish, on a real server.
@Suite struct HardCapTests {
  private static let price = Price(
    provider: "echo", model: ".*", match: .regex,
    rows: [Price.Row(unit: .requests, each: ExactDecimal(mantissa: 5, decimals: 2))])

  private static func now() -> Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

  @Test func `of nine requests at five cents a cap of ten cents lets two run`() async throws {
    var (policy, _) = try PolicyFile.read(text: PolicyFile.builtIn)
    policy.tiers[policy.defaultTier]?.costCap = TierPolicy.CostCap(monthly: Money(nanoUSD: 100_000_000), isHard: true)
    policy.tiers[policy.defaultTier]?.rate = nil
    let prices = PriceBook([Self.price])
    let planner = Planner(policy: policy, prices: prices)
    let meter = Meter(prices: prices)
    let desk = AdmissionDesk(
      redis: RedisClient(
        try RedisConfiguration(url: try await LiveRedis.shared().url),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
      keys: AdmissionKeys(namespace: Namespace.unique()), configuration: AdmissionConfiguration())
    try await desk.openEpoch()
    var ran: [Int] = []
    var reasons: Set<WaitReason> = []
    for number in 1...9 {
      let job = try TestRuns.job("j\(number)", task: .echo, payload: "{}")
      var view = BreakerView()
      guard
        case .plan(let plan) = planner.plan(
          job, foundIn: .low, entitlement: nil, now: Self.now(), view: &view)
      else { throw SystemFailure("job \(number) has no plan") }
      let reply = try await desk.admit([
        AdmissionRequest(
          job: job, lane: .low, limit: 9, leaseID: "w.\(number)/\(job.id)", runStamp: "run-\(number)", intent: [1],
          limits: plan.limits, worst: plan.worst)
      ])[0]
      guard case .admitted(_, _, _, _, let month, _) = reply else {
        if case .wait(let place) = reply { reasons.insert(place.reason) }
        continue
      }
      ran.append(number)
      let run = TestRuns.run(job, plan.candidates, run: "run-\(number)", lease: "w.\(number)/\(job.id)")
      let answer = ProviderAnswer.success(
        ProviderReply(output: Array("{}".utf8), usage: [Usage(.requests, ExactDecimal(1), .measured)]))
      let event = try #require(
        meter.event(of: run, attempt: 1, candidate: plan.candidates[0], answer: answer, at: Self.now()))
      let spent = Spending(event.cost.amount, event.usage, jobs: 1)
      _ = try await desk.finish([
        Finish(
          job: job, leaseID: run.lease.leaseID, run: run.lease.run, status: .succeeded, result: [1], output: [],
          attempt: 1, costs: [AttemptCost(attempt: 1, event: [1], spent: spent)], month: month)
      ])
    }
    #expect(ran == [1, 2])
    #expect(reasons == [.moneyReserved])
  }
}
