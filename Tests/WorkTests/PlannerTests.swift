import Admission
import Catalog
import Contracts
import Testing

@testable import Work

@Suite struct PlannerTests {
  private static let now = Timestamp(milliseconds: 1_795_000_000_000)

  private func planner(_ change: (inout Policy) -> Void = { _ in }) throws -> Planner {
    var (policy, _) = try PolicyFile.read(text: PolicyFile.builtIn)
    change(&policy)
    let (prices, _) = try PriceBookFile.read(text: PriceBookFile.builtIn)
    return Planner(policy: policy, prices: prices, stamp: "p1")
  }

  private func job(_ more: String = "", tier: String? = "tier2", task: String = "echo", payload: String = "{}") throws
    -> Job
  {
    let claim = tier.map { #","userTier":"\#($0)""# } ?? ""
    let text = #"{"id":"j","userId":"u","taskType":"\#(task)","payload":\#(payload)\#(claim)\#(more)}"#
    guard case .job(let job) = JobMessage.decode(Array(text.utf8), messageID: nil) else {
      throw NotAJob()
    }
    return job
  }

  private func plan(_ job: Job, in lane: Lane?, _ entitlement: Entitlement? = nil) throws -> Planned {
    var view = BreakerView()
    return try planner().plan(job, foundIn: lane, entitlement: entitlement, now: Self.now, view: &view)
  }

  private func fault(_ job: Job, in lane: Lane) throws -> ResultEvent.Fault {
    guard case .end(let fault, _, _) = try plan(job, in: lane) else { throw NotEnded() }
    return fault
  }

  @Test func `a job in its tier's lane is planned with the tier's concurrency`() throws {
    guard case .plan(let plan) = try plan(job(), in: .standard) else { Issue.record("no plan"); return }
    #expect(plan.tier.code == "PRO")
    #expect(plan.tier.concurrency == 5)
    #expect(plan.candidates.map(\.provider.name) == ["echo"])
  }

  @Test func `no tier given means the most restrictive one`() throws {
    guard case .plan(let plan) = try plan(job(tier: nil), in: .low) else { Issue.record("no plan"); return }
    #expect(plan.tier.code == "FREE")
    #expect(plan.tier.concurrency == 2)
  }

  @Test func `a job found above its tier's lane moves to its own`() throws {
    guard case .move(let lane, let tier) = try plan(job(tier: "FREE"), in: .critical) else {
      Issue.record("no move"); return
    }
    #expect(lane == .low)
    #expect(tier == "FREE")
  }

  @Test func `a job found below its tier's lane stays there`() throws {
    guard case .plan = try plan(job(tier: "ENTERPRISE"), in: .low) else { Issue.record("no plan"); return }
  }

  @Test func `the intake only moves`() throws {
    guard case .move(.critical, _) = try plan(job(tier: "tier4"), in: nil) else { Issue.record("no move"); return }
  }

  @Test func `an assigned tier and concurrency outrank the message`() throws {
    let entitlement = Entitlement(tier: "ENTERPRISE", concurrency: 7)
    guard case .plan(let plan) = try plan(job(tier: "FREE"), in: .critical, entitlement) else {
      Issue.record("no plan"); return
    }
    #expect(plan.tier.code == "ENTERPRISE")
    #expect(plan.tier.concurrency == 7)
  }

  @Test func `the order of providers is the order of candidates`() throws {
    let speech = try job(task: "tts", payload: #"{"text":"hello"}"#)
    guard case .plan(let plan) = try plan(speech, in: .standard) else { Issue.record("no plan"); return }
    #expect(plan.candidates.map(\.provider.name) == ["piper", "espeak"])
  }

  @Test func `a wished model that nobody offers is no route`() throws {
    guard case .end(let fault, _, let passedOver) = try plan(job(#","model":"other""#), in: .standard) else {
      Issue.record("a route"); return
    }
    #expect(fault.code == .noRoute)
    #expect(fault.status == .failed)
    #expect(!passedOver.isEmpty && passedOver.allSatisfy { $0.reason == .wish })
  }

  @Test func `a pinned tier without a pin for the task is no route and says so`() throws {
    let planner = try planner { $0.tiers["ENTERPRISE"]?.pinned[.echo] = nil }
    var view = BreakerView()
    let planned = planner.plan(try job(tier: "tier4"), foundIn: .critical, entitlement: nil, now: Self.now, view: &view)
    guard case .end(let fault, tier: "ENTERPRISE", _) = planned else { Issue.record("a route"); return }
    #expect(fault.code == .noRoute)
    #expect(fault.message.contains("no pin"))
  }

  private func text(_ more: String = "", tier: String? = "tier2") throws -> Job {
    try job(more, tier: tier, task: "llm", payload: #"{"prompt":"hello","maxTokens":1000}"#)
  }

  @Test func `candidates whose worst case is above the job's own bound are left out`() throws {
    guard case .plan(let plan) = try plan(text(), in: .standard) else { Issue.record("no plan"); return }
    #expect(plan.candidates.map(\.provider.name) == ["openai", "anthropic"])
    let bounded = try text(#","maxCostUsd":0.003"#)
    guard case .plan(let cheaper) = try self.plan(bounded, in: .standard) else { Issue.record("no plan"); return }
    #expect(cheaper.candidates.map(\.provider.name) == ["openai"])
  }

  @Test func `a price for each request is reserved for every job, so that a cap can hold`() throws {
    var (policy, _) = try PolicyFile.read(text: PolicyFile.builtIn)
    policy.tiers["PRO"]?.costCap = TierPolicy.CostCap(monthly: Money(nanoUSD: 100_000_000), isHard: true)
    let each = Price.Row(unit: .requests, each: ExactDecimal(mantissa: 5, decimals: 2))
    let prices = PriceBook([Price(provider: "echo", model: ".*", match: .regex, rows: [each])])
    var view = BreakerView()
    let planned = Planner(policy: policy, prices: prices).plan(
      try job(), foundIn: .standard, entitlement: nil, now: Self.now, view: &view)
    guard case .plan(let plan) = planned else { Issue.record("no plan"); return }
    #expect(plan.worst?.nanoUSD == 50_000_000)
  }

  @Test func `a bound that no candidate keeps ends the job for good and names the least that it would take`() throws {
    let fault = try fault(text(#","maxCostUsd":0.002"#), in: .standard)
    #expect(fault.code == .costCapReached)
    #expect(fault.isOwnBound)
    #expect(fault.status == .failed)
    #expect(fault.resting == .gone)
    #expect(fault.message.contains("maxCostUsd"))
    #expect(fault.message.contains("0.00200"))
  }

  @Test func `a model without a price is passed over unless the policy allows it`() throws {
    let job = try job(#","maxCostUsd":"0.01""#, tier: "FREE", task: "llm", payload: #"{"prompt":"hello"}"#)
    func planned(allowing: Bool) throws -> Planned {
      var view = BreakerView()
      var planner = try planner { policy in
        policy.allowsUnpriced = allowing
        policy.tiers["FREE"]?.providers[.llm] = ["hosted"]
        policy.providers["hosted"] = TestRuns.openai("hosted")
        policy.models.append(
          ModelListing(provider: "hosted", task: .llm, model: "m", version: nil, stage: .stable, verified: true))
      }
      planner.prices = PriceBook([])
      return planner.plan(job, foundIn: .low, entitlement: nil, now: Self.now, view: &view)
    }
    guard case .end(let fault, _, let skipped) = try planned(allowing: false) else { Issue.record("planned"); return }
    #expect(fault.code == .noRoute)
    #expect(skipped.map(\.reason) == [.budget])
    guard case .plan(let plan) = try planned(allowing: true) else { Issue.record("no plan"); return }
    #expect(plan.candidates.map(\.provider.name) == ["hosted"])
    #expect(plan.candidates.first?.price == nil)
    #expect(plan.candidates.first?.worst?.nanoUSD == 0)
  }

  @Test func `a job without a price keeps any bound`() throws {
    guard case .plan = try plan(job(#","maxCostUsd":0"#), in: .standard) else { Issue.record("no plan"); return }
  }

  @Test func `what is reserved is in each figure that of the dearest candidate`() throws {
    guard case .plan(let plan) = try plan(text(), in: .standard) else { Issue.record("no plan"); return }
    let each = plan.candidates.compactMap(\.worst)
    let worst = try #require(plan.worst)
    #expect(each.count == 2)
    #expect(worst.nanoUSD == each.map(\.nanoUSD).max())
    #expect(worst.nanoUSD > 5_000_000)
    #expect(worst.tokens >= 1000)
    #expect(worst.jobs == 1)
  }

  @Test func `nothing is reserved for a user without caps and quotas`() throws {
    let planner = try planner {
      $0.tiers["PRO"]?.costCap = nil
      $0.tiers["PRO"]?.monthly = .init()
    }
    var view = BreakerView()
    let planned = planner.plan(try text(), foundIn: .standard, entitlement: nil, now: Self.now, view: &view)
    guard case .plan(let plan) = planned else { Issue.record("no plan"); return }
    #expect(plan.worst == nil)
    #expect(!plan.limits.isMetered)
  }

  @Test func `the limits of a plan are the tier's, with what the user was given`() throws {
    var given = Entitlement(concurrency: 9, monthlyCap: Money("0.5"))
    given.quotas.jobs = 7
    given.rate.perSecond = 3
    guard case .plan(let plan) = try plan(text(), in: .standard, given) else { Issue.record("no plan"); return }
    #expect(plan.tier.concurrency == 9)
    #expect(plan.limits.monthlyCap == Money("0.5"))
    #expect(plan.limits.jobs == 7)
    #expect(plan.limits.perSecond == 3)
    #expect(plan.limits.burst == 200)
    #expect(plan.limits.tokens == 2_000_000)
  }

  @Test func `every limit of a tier stands in what admission is asked`() throws {
    var tier = try #require(try planner().policy.tiers["PRO"])
    tier.rate = .init(perMinute: 60, perSecond: 5, burst: 8)
    tier.monthly = .init(tokens: 1, audioSeconds: 2, videoMinutes: 3, jobs: 4)
    tier.costCap = .init(monthly: Money(nanoUSD: 9), isHard: true)
    let limits = AdmissionLimits(of: tier)
    #expect([limits.perMinute, limits.perSecond, limits.burst] == [60, 5, 8])
    #expect([limits.tokens, limits.audioSeconds, limits.videoMinutes, limits.jobs] == [1, 2, 3, 4])
    #expect(limits.monthlyCap == Money(nanoUSD: 9))
  }

  @Test func `a soft cap does not stand against a start`() throws {
    var tier = try #require(try planner().policy.tiers["PRO"])
    tier.costCap = .init(monthly: Money(nanoUSD: 9), isHard: false)
    tier.monthly = .init()
    #expect(AdmissionLimits(of: tier).monthlyCap == nil)
    #expect(!AdmissionLimits(of: tier).isMetered)
  }

  @Test func `a time in the future waits and a deadline in the past ends`() throws {
    let later = try job(#","notBefore":"2100-01-01T00:00:00Z""#)
    guard case .notYet(let due) = try plan(later, in: .standard) else { Issue.record("not waiting"); return }
    #expect(due == Timestamp("2100-01-01T00:00:00Z"))
    let late = try job(#","deadline":"2020-01-01T00:00:00Z""#)
    #expect(try fault(late, in: .standard).code == .deadlineExceeded)
  }
}

private struct NotAJob: Error {}
private struct NotEnded: Error {}
