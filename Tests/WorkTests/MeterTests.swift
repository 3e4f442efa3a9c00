import Catalog
import Contracts
import Providers
import Testing

@testable import Work

/// What an attempt is booked at, by what its provider said.
@Suite struct MeterTests {
  private static let time = Timestamp(milliseconds: 1_795_000_000_000)

  /// Two cents a thousand tokens in, ten out, thirty cents a picture, ten a second of film.
  private static let price = Price(
    provider: "p", model: "m",
    rows: [
      row(.inputTokens, "0.00002"), row(.outputTokens, "0.0001"), row(.images, "0.3"), row(.videoSeconds, "0.1"),
    ])

  private static func row(_ unit: Usage.Unit, _ each: String) -> Price.Row {
    Price.Row(unit: unit, each: ExactDecimal(each) ?? .zero)
  }

  private func usage(_ quantities: (Usage.Unit, Int)..., source: Usage.Source = .provider) -> [Usage] {
    quantities.map { Usage($0.0, ExactDecimal($0.1), source) }
  }

  private func event(
    _ answer: ProviderAnswer, task: TaskType, payload: String, price: Price? = Self.price
  ) throws -> CostEvent? {
    let job = try TestRuns.job(task: task, payload: payload)
    let candidate = TestRuns.candidate(TestRuns.openai("p"), price: price)
    let run = TestRuns.run(job, [candidate])
    return Meter(prices: PriceBook(price.map { [$0] } ?? [])).event(
      of: run, attempt: 1, candidate: candidate, answer: answer, at: Self.time)
  }

  private func lost(
    _ usage: [Usage], task: TaskType, payload: String, price: Price? = Self.price
  ) throws -> CostEvent {
    try #require(
      try event(.failure(ProviderFailure(.lost, "lost", usage: usage)), task: task, payload: payload, price: price))
  }

  private func worst(_ task: TaskType, _ payload: String) throws -> WorstCase {
    WorstCase(of: try TestRuns.job(task: task, payload: payload).payload, task: task, price: Self.price)
  }

  private static let picture = #"{"prompt":"a cat","n":4}"#
  private static let clip = #"{"prompt":"a cat","seconds":8}"#
  private static let text = #"{"prompt":"hello","maxTokens":1000}"#

  @Test func `a call that was broken off is booked as one that nobody heard of again, one that was not sent is not`()
    throws
  {
    let brokenOff = ProviderFailure(.cancelled, "broken off")
    let event = try #require(try event(.failure(brokenOff), task: .llm, payload: Self.text))
    #expect(event.outcome == .unknown)
    #expect(try event.cost == worst(.llm, Self.text).booked)
    let unsent = ProviderFailure(.cancelled, "not sent", reachedProvider: false)
    #expect(try self.event(.failure(unsent), task: .llm, payload: Self.text) == nil)
  }

  @Test func `a success that made files says where they are`() throws {
    let file = Array(#"{"artifact":{"path":"a.png"}}"#.utf8)
    func output(_ output: [UInt8]) throws -> [UInt8]? {
      let reply = ProviderReply(output: output, usage: usage((.images, 1)))
      return try event(.success(reply), task: .image, payload: Self.picture)?.output
    }
    #expect(try output(file) == file)
    #expect(try output(Array(#"{"text":"secret"}"#.utf8)) == nil)
  }

  @Test func `the price counts that holds when the attempt ends, not when it was planned`() throws {
    let later = Price(
      provider: "p", model: "m", effectiveFrom: Self.time, rows: [Self.row(.inputTokens, "0.00003")])
    let job = try TestRuns.job(task: .llm, payload: Self.text)
    let candidate = TestRuns.candidate(TestRuns.openai("p"), price: Self.price)
    let reply = ProviderReply(output: [], usage: usage((.inputTokens, 1000)))
    func cost(at time: Timestamp) -> Cost? {
      Meter(prices: PriceBook([Self.price, later])).event(
        of: TestRuns.run(job, [candidate]), attempt: 1, candidate: candidate, answer: .success(reply), at: time)?.cost
    }
    #expect(cost(at: Timestamp(milliseconds: Self.time.milliseconds - 1))?.amount == Money(nanoUSD: 20_000_000))
    #expect(cost(at: Self.time)?.amount == Money(nanoUSD: 30_000_000))
    #expect(cost(at: Self.time)?.priceID == later.id)
  }

  @Test(arguments: [
    (TaskType.image, Self.picture), (.video, Self.clip), (.llm, Self.text), (.embedding, #"{"input":"word"}"#),
  ])
  func `what was lost without a word is booked at its worst case`(task: TaskType, payload: String) throws {
    let event = try lost([], task: task, payload: payload)
    let worst = try worst(task, payload)
    #expect(event.outcome == .unknown)
    #expect(event.usage == worst.usage && !event.usage.isEmpty)
    #expect(event.cost == worst.booked && event.cost.basis == .estimate)
    #expect(event.cost.amount > .zero)
  }

  @Test func `a picture that was lost after its provider said what it used is booked at that`() throws {
    let stated = usage((.images, 2))
    let event = try lost(stated, task: .image, payload: Self.picture)
    #expect(event.outcome == .unknown)
    #expect(event.usage == stated)
    #expect(event.cost == Cost(Money(nanoUSD: 600_000_000), basis: .priceBook, priceID: Self.price.id))
    #expect(event.cost.amount < (try worst(.image, Self.picture).cost))
  }

  @Test func `a clip of which only the asked seconds are known is booked at them, as an estimate`() throws {
    let event = try lost(usage((.videoSeconds, 8), source: .estimate), task: .video, payload: Self.clip)
    #expect(event.outcome == .unknown)
    #expect(event.cost == Cost(Money(nanoUSD: 800_000_000), basis: .estimate, priceID: Self.price.id))
  }

  @Test func `a text that broke off is booked at its worst case, whatever was stated of it so far`() throws {
    let event = try lost(usage((.inputTokens, 12), (.outputTokens, 1)), task: .llm, payload: Self.text)
    #expect(event.usage == (try worst(.llm, Self.text).usage))
    #expect(event.cost == (try worst(.llm, Self.text).booked))
  }

  @Test func `a statement that cannot be priced is booked at the worst case`() throws {
    let event = try lost(usage((.images, -1)), task: .image, payload: Self.picture)
    #expect(event.outcome == .unknown)
    #expect(event.cost == (try worst(.image, Self.picture).booked))
  }

  @Test func `what was lost before it was sent has no event`() throws {
    let failure = ProviderFailure(.lost, "lost", usage: usage((.images, 1)), reachedProvider: false)
    #expect(try event(.failure(failure), task: .image, payload: Self.picture) == nil)
    #expect(try event(.failure(ProviderFailure(.unreachable, "refused")), task: .llm, payload: Self.text) == nil)
  }

  @Test func `a failure is booked at what was used, and at nothing where nothing was`() throws {
    let nothing = try #require(
      try event(.failure(ProviderFailure(.server, "down")), task: .llm, payload: Self.text))
    #expect(nothing.outcome == .failed && nothing.usage.isEmpty)
    #expect(nothing.cost == Cost(.zero, basis: .priceBook, priceID: Self.price.id))
    let stated = usage((.inputTokens, 100), (.outputTokens, 10))
    let failure = ProviderFailure(.contentRefused, "refused", usage: stated)
    let used = try #require(try event(.failure(failure), task: .llm, payload: Self.text))
    #expect(used.outcome == .failed && used.usage == stated)
    #expect(used.cost.amount == Money(nanoUSD: 3_000_000))
  }

  @Test func `a success is booked at what its provider states that it charged, else by its usage`() throws {
    var reply = ProviderReply(output: [], usage: usage((.inputTokens, 100)), modelVersion: "m-2")
    let priced = try #require(try event(.success(reply), task: .llm, payload: Self.text))
    #expect(priced.outcome == .success && priced.modelVersion == "m-2")
    #expect(priced.cost == Cost(Money(nanoUSD: 2_000_000), basis: .priceBook, priceID: Self.price.id))
    reply.statedCost = Money(nanoUSD: 5)
    let stated = try #require(try event(.success(reply), task: .llm, payload: Self.text))
    #expect(stated.cost == Cost(Money(nanoUSD: 5), basis: .provider, priceID: nil))
  }

  @Test(arguments: [
    (TaskType.tts, #"{"text":"a"}"#, Usage.Unit.characters), (.llm, Self.text, .inputTokens),
    (.image, Self.picture, .images), (.video, Self.clip, .videoSeconds), (.embedding, #"{"input":"a"}"#, .inputTokens),
  ])
  func `an attempt that used something is a request, by which it may be priced`(
    task: TaskType, payload: String, unit: Usage.Unit
  ) throws {
    let price = Price(provider: "p", model: "m", rows: [Self.row(.requests, "0.05")])
    let stated = usage((unit, 1))
    let request = Usage(.requests, ExactDecimal(1), .measured)
    let five = Cost(Money(nanoUSD: 50_000_000), basis: .priceBook, priceID: price.id)
    let reply = ProviderReply(output: [], usage: stated)
    let success = try #require(try event(.success(reply), task: task, payload: payload, price: price))
    #expect(success.usage == stated + [request] && success.cost == five)
    // Quotas count what is not charged for, too: said by nobody, it is bounded.
    let silent = try #require(
      try event(.success(ProviderReply(output: [], usage: [])), task: task, payload: payload, price: price))
    #expect(silent.usage.last == request && silent.cost == five)
    #expect(silent.usage.contains { $0.unit == unit && $0.source == .estimate && $0.quantity.mantissa > 0 })
    let failure = ProviderFailure(.contentRefused, "refused", usage: stated)
    let failed = try #require(try event(.failure(failure), task: task, payload: payload, price: price))
    #expect(failed.usage == stated + [request] && failed.cost == five)
    let unheard = try lost([], task: task, payload: payload, price: price)
    #expect(unheard.cost.amount == five.amount && unheard.usage.contains { $0.unit == .requests })
    let down = ProviderFailure(.server, "down")
    #expect(try event(.failure(down), task: task, payload: payload, price: price)?.cost.amount == .zero)
  }

  @Test func `what its provider counted as requests is not counted twice`() throws {
    let price = Price(provider: "p", model: "m", rows: [Self.row(.requests, "0.05")])
    let reply = ProviderReply(output: [], usage: usage((.requests, 3)))
    let event = try #require(
      try event(.success(reply), task: .echo, payload: #"{"usage":{"requests":3}}"#, price: price))
    #expect(event.usage == reply.usage && event.cost.amount == Money(nanoUSD: 150_000_000))
  }

  @Test func `a success of which its provider says nothing that costs is booked at its worst case, as an estimate`()
    throws
  {
    let silent = try #require(
      try event(.success(ProviderReply(output: [], usage: [])), task: .llm, payload: Self.text))
    #expect(silent.outcome == .success)
    #expect(silent.usage == (try worst(.llm, Self.text).usage))
    #expect(silent.cost == (try worst(.llm, Self.text).booked))
    // What was measured stays; what it is charged by stands beside it.
    let spoken = Price(
      provider: "p", model: "m", rows: [Self.row(.inputTokens, "0.001"), Self.row(.outputTokens, "0.01")])
    let measured = usage((.characters, 5), source: .measured)
    let speech = try #require(
      try event(
        .success(ProviderReply(output: [], usage: measured)), task: .tts, payload: #"{"text":"hello"}"#, price: spoken))
    #expect(speech.usage.first == measured.first)
    #expect(speech.usage.dropFirst().map(\.unit) == [.audioSeconds, .inputTokens, .outputAudioTokens])
    // 5 x 0.001 + 32 x 0.01
    #expect(speech.cost == Cost(Money(nanoUSD: 325_000_000), basis: .estimate, priceID: spoken.id))
    let stated = ProviderReply(output: [], usage: [], statedCost: Money(nanoUSD: 5))
    let told = try #require(try event(.success(stated), task: .llm, payload: Self.text))
    #expect(told.usage.isEmpty && told.cost.basis == .provider)
    let free = Price(provider: "p", model: "m", rows: [Self.row(.inputTokens, "0")])
    let nothing = try #require(
      try event(.success(ProviderReply(output: [], usage: [])), task: .llm, payload: Self.text, price: free))
    #expect(nothing.usage == (try worst(.llm, Self.text).usage))
    #expect(nothing.cost == Cost(.zero, basis: .estimate, priceID: free.id))
  }

  @Test func `pictures and clips keep what the job asked for, by which they are priced`() throws {
    let price = Price(
      provider: "p", model: "m",
      rows: [
        Price.Row(unit: .images, each: ExactDecimal(1), dimensions: .init(size: "1024x1024")),
        Price.Row(unit: .images, each: ExactDecimal(2), dimensions: .init(size: "2048x2048")),
        Self.row(.inputTokens, "0.001"),
      ])
    let payload = #"{"prompt":"a cat","size":"1024X1024","quality":"hd"}"#
    let reply = ProviderReply(output: [], usage: usage((.inputTokens, 10), (.images, 3)))
    let event = try #require(try event(.success(reply), task: .image, payload: payload, price: price))
    #expect(event.usage.map(\.dimensions) == [nil, .init(size: "1024x1024", quality: "hd")])
    #expect(event.cost.amount == Money(nanoUSD: 3_010_000_000))
    // The ledger has nothing but the event to price it again.
    #expect(price.cost(of: event.usage) == event.cost.amount)
    let lost = try lost([], task: .image, payload: payload, price: price)
    #expect(lost.usage.first { $0.unit == .images }?.dimensions == .init(size: "1024x1024", quality: "hd"))
    let film = try #require(
      try self.event(
        .success(ProviderReply(output: [], usage: usage((.videoSeconds, 8)))), task: .video,
        payload: #"{"prompt":"a cat","size":"1920x1080"}"#))
    #expect(film.usage.first?.dimensions == .init(size: "1920x1080", resolution: "1080p"))
  }

  @Test func `a model without a price is booked at nothing, as an estimate, unless its provider states a cost`() throws
  {
    var reply = ProviderReply(output: [], usage: usage((.inputTokens, 10)))
    let unpriced = try #require(try event(.success(reply), task: .llm, payload: Self.text, price: nil))
    #expect(unpriced.cost == Cost(.zero, basis: .estimate, priceID: nil))
    #expect(unpriced.usage == reply.usage)
    reply.statedCost = Money(nanoUSD: 7)
    let stated = try #require(try event(.success(reply), task: .llm, payload: Self.text, price: nil))
    #expect(stated.cost == Cost(Money(nanoUSD: 7), basis: .provider, priceID: nil))
  }
}
