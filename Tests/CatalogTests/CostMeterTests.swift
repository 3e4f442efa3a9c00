import Catalog
import Contracts
import Testing

@Suite struct CostMeterTests {
  private func provider(_ kind: ProviderDefinition.Kind) -> ProviderDefinition {
    ProviderDefinition(
      name: "p", kind: kind, baseURL: nil, apiKeyVariable: nil, apiKeyFile: nil, timeout: .seconds(1), command: [],
      isolation: .shared)
  }

  private func price() throws -> Price {
    try #require(book("  - {provider: p, model: m, unit_prices: [{unit: characters, price: 2}]}").prices.first)
  }

  @Test func `what the provider states wins over the price book`() throws {
    let cost = CostMeter.cost(
      of: try used([(.characters, "3")]), stated: Money(nanoUSD: 7), provider: provider(.elevenlabs), price: try price()
    )
    #expect(cost == Cost(Money(nanoUSD: 7), basis: .provider, priceID: nil))
  }

  @Test func `the price book charges, and says so, and says when a quantity was estimated`() throws {
    let sure = CostMeter.cost(
      of: try used([(.characters, "3")], .measured), stated: nil, provider: provider(.openai), price: try price())
    #expect(try sure == Cost(dollars("6"), basis: .priceBook, priceID: "p/m@1970-01-01"))
    let guessed = CostMeter.cost(
      of: try used([(.characters, "3")], .estimate), stated: nil, provider: provider(.openai), price: try price())
    #expect(try guessed == Cost(dollars("6"), basis: .estimate, priceID: "p/m@1970-01-01"))
    let beside = CostMeter.cost(
      of: try used([(.characters, "3")]) + used([(.audioSeconds, "9")], .estimate), stated: nil,
      provider: provider(.openai), price: try price())
    #expect(beside?.basis == .priceBook)
  }

  @Test(arguments: ProviderDefinition.Kind.allCases)
  func `a model without a price is free at our own providers and has no cost at others`(
    kind: ProviderDefinition.Kind
  ) throws {
    let cost = CostMeter.cost(of: try used([(.characters, "3")]), stated: nil, provider: provider(kind), price: nil)
    let isOurs = [.local, .espeak, .card, .ffmpeg, .echo].contains(kind)
    #expect(cost == (isOurs ? Cost(.zero, basis: .priceBook, priceID: nil) : nil))
  }

  @Test func `a price of the book charges our own providers too`() throws {
    let cost = CostMeter.cost(
      of: try used([(.characters, "1")]), stated: nil, provider: provider(.local), price: try price())
    #expect(try cost?.amount == dollars("2"))
  }

  @Test func `an impossible usage has no cost, a negative statement does not count`() throws {
    #expect(
      CostMeter.cost(of: try used([(.characters, "-1")]), stated: nil, provider: provider(.openai), price: try price())
        == nil)
    let cost = CostMeter.cost(
      of: try used([(.characters, "1")]), stated: Money(nanoUSD: -1), provider: provider(.openai), price: try price())
    #expect(cost?.basis == .priceBook)
  }
}
