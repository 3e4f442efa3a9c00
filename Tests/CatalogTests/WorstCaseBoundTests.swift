import Catalog
import Contracts
import TestKit
import Testing

/// A hard cap holds only if no attempt costs more than was set aside for it: jobs, usages and prices at random.
@Suite struct WorstCaseBoundTests {
  private static let provider = ProviderDefinition(
    name: "p", kind: .openai, baseURL: nil, apiKeyVariable: nil, apiKeyFile: nil, timeout: .seconds(1), command: [],
    isolation: .shared)

  /// What is wrong with a price, or nil.
  private func excess(of price: Price, _ task: TaskType, _ random: inout SplitMix64) throws -> String? {
    let job = try DrawnJob(task, &random)
    let worst = WorstCase(of: job.payload, task: task, price: price)
    let usage = job.usage(by: price, &random)
    let cost = CostMeter.cost(of: usage, stated: nil, provider: Self.provider, price: price)
    // The ledger prices it again by nothing but its usage.
    let again = price.worstCost(of: worst.usage) ?? WorstCase.largest
    guard let cost, cost.amount > worst.cost || again != worst.cost else { return nil }
    let text = String(decoding: job.payload.raw, as: UTF8.self)
    let used = usage.map { "\($0.unit.rawValue) \($0.quantity)" }
    let reserved = worst.usage.map { "\($0.unit.rawValue) \($0.quantity)" }
    return "\(task) \(text) used \(used) for \(cost.amount), reserved \(reserved) for \(worst.cost) by \(price)"
  }

  @Test func `no price of the book charges more than was set aside`() throws {
    let (book, _) = try PriceBookFile.read(text: PriceBookFile.builtIn)
    var random = SplitMix64(seed: 7)
    for price in book.prices {
      for task in TaskType.allCases {
        for _ in 0..<10 {
          if let excess = try excess(of: price, task, &random) { Issue.record("\(excess)") }
        }
      }
    }
  }

  @Test(arguments: 1...8)
  func `no price that could be written charges more than was set aside`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for number in 0..<250 {
      let price = Self.price(&random)
      for task in TaskType.allCases {
        if let excess = try excess(of: price, task, &random) {
          Issue.record("price \(number) of seed \(seed): \(excess)")
          return
        }
      }
    }
  }

  private static func price(_ random: inout SplitMix64) -> Price {
    let base = rows(&random)
    var tiers: [Price.ContextTier] = []
    if Int.random(in: 0..<3, using: &random) == 0 {
      let dearer = rows(&random)
      let kept = base.filter { row in !dearer.contains { $0.unit == row.unit } }
      tiers.append(Price.ContextTier(above: Int.random(in: 1...100, using: &random), rows: dearer + kept))
    }
    let isOpen = Bool.random(using: &random)
    return Price(
      provider: "p", model: "m", rows: base, contextTiers: tiers,
      minimumCharge: Money(nanoUSD: [0, 0, 5_000_000][Int.random(in: 0..<3, using: &random)]),
      defaults: .init(size: isOpen ? nil : "1024x1024", quality: isOpen ? nil : "low", resolution: nil))
  }

  private static func rows(_ random: inout SplitMix64) -> [Price.Row] {
    let units = Usage.Unit.allCases.shuffled(using: &random).prefix(Int.random(in: 1...6, using: &random))
    return units.flatMap { unit -> [Price.Row] in
      var row = row(unit, &random)
      guard [.images, .videoSeconds].contains(unit), Bool.random(using: &random) else { return [row] }
      var other = self.row(unit, &random)
      row.dimensions = .init(size: "1024x1024", quality: Bool.random(using: &random) ? "low" : nil)
      other.dimensions = .init(resolution: Bool.random(using: &random) ? "720p" : nil)
      return [row, other]
    }
  }

  private static func row(_ unit: Usage.Unit, _ random: inout SplitMix64) -> Price.Row {
    let each = ExactDecimal(
      mantissa: Int128(Int.random(in: 0...999, using: &random)), decimals: Int.random(in: 3...9, using: &random))
    return Price.Row(
      unit: unit, each: each, isEstimate: Int.random(in: 0..<5, using: &random) == 0,
      reserved: Int.random(in: 0..<5, using: &random) == 0 ? each + each : nil)
  }
}
