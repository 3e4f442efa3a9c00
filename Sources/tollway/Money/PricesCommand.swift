import ArgumentParser
import Catalog
import Contracts

/// `tollway prices`: the price book.
struct PricesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prices", abstract: "Lint and look up the price book.", subcommands: [Check.self, Show.self])

  struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Find mistakes, and figures that can hardly be meant.",
      discussion: "Ends with 1 when the file would be refused; warnings alone end with 0.")

    @OptionGroup var settings: Settings
    @Argument(help: "The file; default is the one in force.") var file: String?
    @Option(help: "table or json.") var format = Format.table

    func run() async throws {
      let path = try file ?? settings.pricesPath()
      let text = try RuleBook.text(at: path, else: PriceBookFile.builtIn)
      var lint = Lint(subject: path ?? "the built-in price book")
      do throws(FileFault) {
        let (book, notices) = try PriceBookFile.read(text: text)
        lint.warn(notices)
        for finding in PriceCheck.findings(in: book, asOf: Wires.now()) { lint.warn(finding.priceID, finding.message) }
      } catch {
        lint.fail(error)
      }
      try lint.print(format)
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "What a model costs, now or at another time.",
      discussion: "MODEL is a model's name, for every provider that has it, or PROVIDER/MODEL.")

    @OptionGroup var settings: Settings
    @Argument(help: "A model, or provider/model.") var model: String
    @Option(help: "A day like 2026-11-21, or an RFC 3339 time; default is now.") var at: String?
    @Option(help: "table or json.") var format = Format.table

    func validate() throws {
      if let at, Timestamp(dayOrTime: at) == nil {
        throw ValidationError("--at: a day like 2026-11-21, or an RFC 3339 time")
      }
    }

    func run() async throws {
      let book = try RuleBook.prices(at: try settings.pricesPath())
      let time = at.flatMap { Timestamp(dayOrTime: $0) } ?? Wires.now()
      let prices = book.prices(ofModel: model, at: time)
      guard !prices.isEmpty else {
        throw CommandFailure(
          .failed, "no price of \(model.printable) holds at \(time)",
          "check the name in provider_costs.yml; a model of a local provider costs nothing without one")
      }
      switch format {
      case .json: try Output.json(prices.map(PriceRow.init))
      case .table: Self.table(prices).print()
      }
    }

    static func table(_ prices: [Price]) -> Table {
      var table = Table(["PRICE", "UNIT", .number("USD"), "PER", "SIZE", "QUALITY", "CHECKED", "SOURCE"])
      for price in prices {
        for row in price.rows {
          let (amount, per) = row.readable
          table.add(
            "\(price.id)", "\(row.unit.rawValue)\(row.isEstimate ? " (estimate)" : "")", "\(amount)", "\(per)",
            .init(row.dimensions.size), .init(row.dimensions.quality),
            .init(price.checked.map { String($0.description.prefix(10)) }), .init(price.source))
        }
      }
      return table
    }
  }
}

extension PriceBook {
  /// The prices of a model at each provider that has it.
  func prices(ofModel name: String, at time: Timestamp) -> [Price] {
    Set(prices.map(\.provider)).sorted().flatMap { provider in
      let own = name.hasPrefix("\(provider)/") ? String(name.dropFirst(provider.count + 1)) : nil
      return [name, own].compactMap { $0 }.compactMap { price(provider: provider, model: $0, at: time) }
    }
  }
}

extension Price.Row {
  /// The price for one, or for a million where one costs less than a hundredth of a cent.
  var readable: (amount: String, per: String) {
    guard each.mantissa > 0, each.rounded(toDecimals: 4) == 0 else { return (each.description, "1") }
    return ((each * ExactDecimal(1_000_000)).description, "1000000")
  }
}

/// A price as JSON; each row's `usd` is for one unit.
struct PriceRow: Encodable {
  struct Line: Encodable {
    let unit, usd: String
    let size, quality: String?
    let estimate: Bool
  }

  let id, provider, model, match, effectiveFrom: String
  let effectiveTo, source, checked: String?
  let prices: [Line]

  init(_ price: Price) {
    id = price.id
    provider = price.provider
    model = price.model
    match = price.match.rawValue
    effectiveFrom = price.effectiveFrom.description
    effectiveTo = price.effectiveTo?.description
    source = price.source
    checked = price.checked.map { String($0.description.prefix(10)) }
    prices = price.rows.map {
      Line(
        unit: $0.unit.rawValue, usd: $0.each.description, size: $0.dimensions.size, quality: $0.dimensions.quality,
        estimate: $0.isEstimate)
    }
  }
}
