import Admission
import Catalog
import Contracts
import Providers
import Testing

@testable import Work

/// An attempt that was declared unknown by one worker and answered at another one after all. The price changes at noon; the
/// call was made and answered before or after, the declaration came before or after.
@Suite struct LateResultTests {
  private static let noon = Timestamp(milliseconds: 1_795_000_000_000)
  private static let morning = Timestamp(milliseconds: noon.milliseconds - 3_600_000)
  private static let evening = Timestamp(milliseconds: noon.milliseconds + 3_600_000)

  /// One dollar for a thousand tokens in, two for those that come out; three times as much from noon on.
  private static let cheap = price("0.001", "0.002", to: noon)
  private static let dear = price("0.003", "0.006", from: noon)

  private static func price(
    _ input: String, _ output: String, from: Timestamp? = nil, to: Timestamp? = nil
  ) -> Price {
    Price(
      provider: "p", model: "m", effectiveFrom: from ?? Timestamp(milliseconds: 0), effectiveTo: to,
      rows: [
        Price.Row(unit: .inputTokens, each: ExactDecimal(input) ?? .zero),
        Price.Row(unit: .outputTokens, each: ExactDecimal(output) ?? .zero),
      ])
  }

  private static let used = [
    Usage(.inputTokens, ExactDecimal(100), .provider), Usage(.outputTokens, ExactDecimal(50), .provider),
  ]

  /// At the cheap price and at the dear one.
  private static let spent = (cheap: Money(nanoUSD: 200_000_000), dear: Money(nanoUSD: 600_000_000))

  private let job: Job
  private let meter = Meter(prices: PriceBook([Self.cheap, Self.dear]))

  init() throws { job = try TestRuns.job(task: .llm, payload: #"{"prompt":"hello","maxTokens":1000}"#) }

  private func declared(at time: Timestamp, called: Timestamp = morning, by meter: Meter? = nil) -> CostEvent {
    (meter ?? self.meter).unknownEvent(
      of: job, run: "r", attempt: 1,
      intent: Intent(tier: "T", provider: "p", model: "m", version: nil, at: called), month: "2026-11", at: time)
  }

  /// The end of the run at the worker that was thought dead. Its plan was made in the morning.
  private func end(_ answer: ProviderAnswer, at time: Timestamp) -> RunEnd {
    let candidate = TestRuns.candidate(TestRuns.openai("p"), price: Self.cheap)
    let run = TestRuns.run(job, [candidate], startedAt: Self.morning)
    var progress = RunProgress(run)
    let event = meter.event(of: run, attempt: 1, candidate: candidate, answer: answer, at: time)
    progress.events = [event].compactMap(\.self)
    progress.attempts = [
      ResultEvent.Attempt(number: 1, provider: "p", model: "m", outcome: event?.outcome ?? .failed, milliseconds: 1)
    ]
    return RunEnd(progress)
  }

  private func success(stated: Money? = nil) -> ProviderAnswer {
    var reply = ProviderReply(output: [], usage: Self.used, modelVersion: "m-2")
    reply.statedCost = stated
    return .success(reply)
  }

  private func correction(of declared: CostEvent, _ answer: ProviderAnswer, at time: Timestamp) throws -> CostEvent {
    let correction = try #require(meter.correction(of: declared, by: end(answer, at: time)))
    #expect(correction.id == "j/r/1/c0" && correction.corrects == declared.id)
    return correction
  }

  /// What the ledger has of an attempt: sums by unit, without what is nothing.
  private func net(_ events: CostEvent...) -> [Usage.Unit: ExactDecimal] {
    events.flatMap(\.usage).reduce(into: [:]) {
      $0[$1.unit, default: .zero] = $0[$1.unit, default: .zero] + $1.quantity
    }
    .filter { $0.value.mantissa != 0 }
  }

  @Test func `an attempt is declared at the price of that time, as it would be priced again`() {
    for (time, price) in [(Self.morning, Self.cheap), (Self.evening, Self.dear)] {
      let event = declared(at: time)
      #expect(event.cost == WorstCase(of: job.payload, task: .llm, price: price).booked)
      #expect(event.cost.amount == price.worstCost(of: event.usage) && event.cost.priceID == price.id)
    }
  }

  @Test func `where its model has no price any more it is declared at the price of the call`() {
    let event = declared(at: Self.evening, by: Meter(prices: PriceBook([Self.cheap])))
    #expect(event.cost == WorstCase(of: job.payload, task: .llm, price: Self.cheap).booked)
    #expect(event.cost.amount > .zero)
  }

  @Test(arguments: [(morning, evening, spent.cheap), (evening, morning, spent.dear), (evening, evening, spent.dear)])
  func `with its correction it comes to what was used, at the price of the time it was declared`(
    declaredAt: Timestamp, answeredAt: Timestamp, expected: Money
  ) throws {
    let declared = declared(at: declaredAt)
    let late = try correction(of: declared, success(), at: answeredAt)
    #expect(declared.cost.amount + late.cost.amount == expected)
    #expect(net(declared, late) == [.inputTokens: ExactDecimal(100), .outputTokens: ExactDecimal(50)])
    #expect(late.outcome == .success && late.modelVersion == "m-2" && late.time == answeredAt)
    #expect(late.cost.basis == .priceBook && late.chargePeriod == declared.chargePeriod)
    // What repricing would find.
    let price = try #require(meter.prices.price(provider: "p", model: "m", at: declared.time))
    #expect(price.cost(of: Self.used) == expected)
  }

  @Test func `what was booked is taken back, whatever the prices here say of it`() throws {
    // Another worker had another price book.
    let other = Meter(prices: PriceBook([Self.price("0.5", "0.5")]))
    let declared = declared(at: Self.morning, by: other)
    let late = try correction(of: declared, success(), at: Self.morning)
    #expect(declared.cost.amount + late.cost.amount == Self.spent.cheap)
  }

  @Test func `a cost that its provider states is the whole, whatever the price was`() throws {
    let declared = declared(at: Self.evening)
    let late = try correction(of: declared, success(stated: Money(nanoUSD: 7)), at: Self.morning)
    #expect(declared.cost.amount + late.cost.amount == Money(nanoUSD: 7))
    #expect(late.cost.basis == .provider)
  }

  @Test func `what was lost here too stays what was declared`() throws {
    let declared = declared(at: Self.evening)
    let late = try correction(of: declared, .failure(ProviderFailure(.lost, "lost")), at: Self.morning)
    #expect(late.cost.amount == .zero && late.cost.basis == .estimate)
    #expect(net(late).isEmpty)
  }

  @Test func `what never reached its provider or used nothing is taken back whole`() throws {
    let declared = declared(at: Self.evening)
    for failure in [ProviderFailure(.unreachable, "refused"), ProviderFailure(.server, "down")] {
      let late = try correction(of: declared, .failure(failure), at: Self.morning)
      #expect(declared.cost.amount + late.cost.amount == .zero && late.outcome == .failed)
      #expect(net(declared, late).isEmpty)
    }
  }

  @Test func `of an attempt that others made it says nothing`() throws {
    var other = declared(at: Self.evening)
    other.attempt = 2
    #expect(meter.correction(of: other, by: end(success(), at: Self.evening)) == nil)
  }
}
