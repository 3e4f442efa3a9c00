import Catalog
import Contracts
import Foundation
import Logging
import Synchronization
import TestKit
import Testing
import Work

@testable import tollway

/// Files that change while a process runs.
struct RuleBookTests {
  private final class Said: Sendable {
    let all = Mutex<[String]>([])
  }

  private struct Handler: LogHandler {
    let said: Said
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {
      said.all.withLock { $0.append("\(event.level) \(event.message)") }
    }
  }

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
    let said = Said()
    let logger = Logger(label: "rules") { _ in Handler(said: said) }
    let watching = Task { await rules.watch(logger: logger, onPolicy: { _ in }) }
    defer { watching.cancel() }
    try write("2")
    try await waitUntil("the price of 2 is in force", within: .seconds(3)) {
      try price(in: rules) == Money(nanoUSD: 2_000_000_000)
    }
    try write("for nothing")
    try await waitUntil("the wrong file is refused") { said.all.withLock { $0.contains { $0.contains("refused") } } }
    #expect(try price(in: rules) == Money(nanoUSD: 2_000_000_000))
    try write("30")
    try await waitUntil("the mended file is in force", within: .seconds(3)) {
      try price(in: rules) == Money(nanoUSD: 30_000_000_000)
    }
    let lines = said.all.withLock { $0 }
    #expect(
      lines == [
        "info price book changed and is in force", "error price book changed and was refused",
        "info price book changed and is in force",
      ])
  }
}
