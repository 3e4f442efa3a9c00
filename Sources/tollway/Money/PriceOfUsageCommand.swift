import ArgumentParser
import Catalog
import Contracts

/// `tollway prices cost`: what a usage would cost, calculated as for the ledger.
struct PriceOfUsageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cost", abstract: "What a usage of a model would cost.",
    discussion: """
      USAGE is an object of units and quantities, which do not overlap: input_tokens leaves out what was read from or
      written to a cache.

        tollway prices cost gpt-5.4 --provider openai --usage '{"input_tokens": 2618, "cached_input_tokens": 3456}'
      """)

  @OptionGroup var settings: Settings
  @Argument(help: "A model.") var model: String
  @Option(help: "Its provider.") var provider: String
  @Option(help: "An object of units and quantities.") var usage: String
  @Option(help: "Of images and videos, like 1024x1536 or 1080p.") var size: String?
  @Option(help: "Of images, like hd.") var quality: String?
  @Option(help: "A day like 2026-11-21, or an RFC 3339 time; default is now.") var at: String?
  @Option(help: "table or json.") var format = Format.table

  /// What was found, as JSON.
  struct Answer: Encodable {
    let provider, model, at, amount: String
    let currency = "USD"
    let basis, priceId: String
  }

  func validate() throws { try PriceTime.check(at) }

  func run() async throws {
    let used = try read()
    let time = PriceTime.read(at)
    let book = try RuleBook.prices(at: try settings.pricesPath())
    guard let price = book.price(provider: provider, model: model, at: time) else {
      throw CommandFailure.unpriced(model, provider: provider, at: time)
    }
    guard let amount = price.cost(of: used) else {
      throw CommandFailure(.usage, "--usage cannot be priced", "no quantity may be negative, nor beyond all measure")
    }
    let basis: Cost.Basis = price.isEstimate(of: used) ? .estimate : .priceBook
    switch format {
    case .json:
      try Output.json(
        Answer(
          provider: provider, model: model, at: time.description, amount: amount.description, basis: basis.rawValue,
          priceId: price.id))
    case .table:
      var table = Table([.number("USD"), "BASIS", "PRICE"])
      table.add("\(amount)", "\(basis.rawValue)", "\(price.id)")
      table.print()
    }
  }

  /// Pictures and clips with what was asked for, as a job's payload says it.
  private func read() throws -> [Usage] {
    func refused(_ message: String) -> CommandFailure {
      let units = Usage.Unit.allCases.map(\.rawValue).joined(separator: ", ")
      return CommandFailure(.usage, "--usage: \(message)", "write an object of units and quantities; units: \(units)")
    }
    let root: JSONValue
    do {
      root = try JSONParser.parse(Array(usage.utf8)).root
    } catch {
      throw refused("not valid JSON")
    }
    guard root.isObject else { throw refused("no object") }
    return try root.members.map { name, value in
      guard let unit = Usage.Unit(rawValue: name) else { throw refused("\(name.printable) is no unit") }
      guard let quantity = value.decimal ?? value.string.flatMap({ ExactDecimal($0) }) else {
        throw refused("\(name) has no quantity")
      }
      return Usage(unit, quantity, .provider, dimensions: try dimensions(of: unit))
    }
  }

  private func dimensions(of unit: Usage.Unit) throws -> Usage.Dimensions? {
    guard let task: TaskType = [.images: .image, .videoSeconds: .video][unit] else { return nil }
    var json = JSONWriter(capacity: 64)
    json.literal("{")
    json.member("size", size)
    json.member("quality", quality)
    json.literal("}")
    return Usage.Dimensions(of: try JSONParser.parse(json.bytes).root, task: task)
  }
}
