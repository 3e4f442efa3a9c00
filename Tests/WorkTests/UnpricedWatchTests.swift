import Catalog
import Contracts
import Logging
import TestKit
import Testing

@testable import Work

@Suite struct UnpricedWatchTests {
  private let watch = UnpricedWatch()
  private let log = RecordingLog()

  private var lines: [String] {
    log.lines.map { line in
      let words = ["provider", "model", "count"].map { "\(line.metadata[$0].map { "\($0)" } ?? "-")" }
      return "\(line.level) " + words.joined(separator: " ")
    }
  }

  private func note(_ candidate: Plan.Candidate, _ cost: Cost, at time: ContinuousClock.Instant) throws {
    let event = CostEvent(
      jobID: "j", run: "r", attempt: 1, seriesID: nil, userID: "u", tier: "T", taskType: .llm,
      provider: candidate.provider.name, model: candidate.model, modelVersion: nil, outcome: .success,
      usage: [Usage(.inputTokens, ExactDecimal(1), .provider)], cost: cost, time: Timestamp(milliseconds: 0),
      chargePeriod: "2026-11")
    watch.note(event, of: candidate, at: time, logger: log.logger)
  }

  @Test func `what is booked at nothing for want of a price is told once a minute for each model`() throws {
    let start = ContinuousClock.now
    let guess = Cost(.zero, basis: .estimate, priceID: nil)
    let one = TestRuns.candidate(TestRuns.openai("a"))
    for second in [0, 1, 59] { try note(one, guess, at: start + .seconds(second)) }
    try note(TestRuns.candidate(TestRuns.openai("b")), guess, at: start + .seconds(2))
    try note(one, guess, at: start + .seconds(60))
    #expect(lines == ["error a m 1", "error b m 1", "error a m 3"])
  }

  @Test func `what has a price, or is stated, or is free is not told of`() throws {
    let price = Price(provider: "a", model: "m", rows: [])
    let guess = Cost(.zero, basis: .estimate, priceID: nil)
    try note(TestRuns.candidate(TestRuns.openai("a"), price: price), guess, at: .now)
    try note(TestRuns.candidate(TestRuns.openai("a")), Cost(.zero, basis: .provider, priceID: nil), at: .now)
    var echo = TestRuns.openai("a")
    echo.kind = .echo
    try note(TestRuns.candidate(echo), guess, at: .now)
    #expect(lines == [])
  }
}
