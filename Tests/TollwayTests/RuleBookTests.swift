import Catalog
import Contracts
import Foundation
import Logging
import TestKit
import Testing
import Work

@testable import tollway

/// Files that change while a process runs.
struct RuleBookTests {
  private let directory: TestDirectory

  init() throws { directory = try TestDirectory("rules") }

  private func write(_ price: String) throws {
    let text = """
      version: 1
      prices:
        - {provider: p, model: m, unit_prices: [{unit: characters, price: \(price)}]}
      """
    try Data(text.utf8).write(to: directory.file("costs.yml"), options: .atomic)
  }

  private func price(in rules: RuleBook) throws -> Money? {
    rules.planner.prices.price(provider: "p", model: "m", at: Timestamp(milliseconds: 1))?
      .cost(of: [Usage(.characters, ExactDecimal(1), .measured)])
  }

  @Test func `a new price is in force soon, and a wrong file changes nothing`() async throws {
    try write("1")
    let rules = try RuleBook(policyPath: nil, pricesPath: directory.file("costs.yml").path)
    #expect(try price(in: rules) == Money(nanoUSD: 1_000_000_000))
    let log = RecordingLog()
    let watching = Task { await rules.watch(logger: log.logger, onPolicy: { _ in }) }
    defer { watching.cancel() }
    try write("2")
    try await waitUntil("the price of 2 is in force") {
      try price(in: rules) == Money(nanoUSD: 2_000_000_000)
    }
    try write("for nothing")
    try await waitUntil("the wrong file is refused") { log.lines.contains { $0.message.contains("refused") } }
    #expect(try price(in: rules) == Money(nanoUSD: 2_000_000_000))
    try write("30")
    try await waitUntil("the mended file is in force") {
      try price(in: rules) == Money(nanoUSD: 30_000_000_000)
    }
    try await waitUntil("all is told") { log.lines.count >= 3 }
    #expect(
      log.lines.map { "\($0.level) \($0.message)" } == [
        "info price book changed and is in force", "error price book changed and was refused",
        "info price book changed and is in force",
      ])
  }
}
