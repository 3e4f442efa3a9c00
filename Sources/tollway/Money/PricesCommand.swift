import ArgumentParser
import Catalog
import Contracts
import Operations

/// `tollway prices`: the price book.
struct PricesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prices", abstract: "Lint and look up the price book.",
    subcommands: [Check.self, Show.self, PriceOfUsageCommand.self])

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
    @Option(help: "Only at this provider.") var provider: String?
    @Option(help: "A day like 2026-11-21, or an RFC 3339 time; default is now.") var at: String?
    @Option(help: "table or json.") var format = Format.table

    func validate() throws { try PriceTime.check(at) }

    func run() async throws {
      let book = try RuleBook.prices(at: try settings.pricesPath())
      let time = PriceTime.read(at)
      let prices = book.prices(ofModel: model, provider: provider, at: time)
      guard !prices.isEmpty else { throw CommandFailure.unpriced(model, provider: provider, at: time) }
      switch format {
      case .json: try Output.json(prices.map(PriceRow.init))
      case .table: Self.table(prices).print()
      }
    }

    static func table(_ prices: [Price]) -> Table {
      var table = Table(["PRICE", "UNIT", .number("USD"), .number("RESERVE"), "PER", "FOR", "CHECKED", "SOURCE"])
      for price in prices {
        let checked = Table.Cell(price.checked.map { String($0.description.prefix(10)) })
        for (above, rows) in [(0, price.rows)] + price.contextTiers.map({ ($0.above, $0.rows) }) {
          for row in rows {
            let (amount, reserve, per) = row.readable
            table.add(
              "\(price.id)", "\(row.unit.rawValue)\(row.isEstimate ? " (estimate)" : "")", "\(amount)", .init(reserve),
              "\(per)",
              .init(row.condition(above: above)), checked, .init(price.source))
          }
        }
        if price.minimumCharge > .zero {
          table.add(
            "\(price.id)", "attempt, at least", "\(price.minimumCharge)", "-", "1", "-", checked, .init(price.source))
        }
      }
      return table
    }
  }
}

/// `--at` of the commands that look up prices.
enum PriceTime {
  static func check(_ text: String?) throws {
    if let text, Timestamp(dayOrTime: text) == nil {
      throw ValidationError("--at: a day like 2026-11-21, or an RFC 3339 time")
    }
  }

  static func read(_ text: String?) -> Timestamp { text.flatMap { Timestamp(dayOrTime: $0) } ?? Wires.now() }
}

extension CommandFailure {
  static func unpriced(_ model: String, provider: String?, at time: Timestamp) -> CommandFailure {
    let place = provider.map { " at \($0.printable)" } ?? ""
    return CommandFailure(
      .failed, "no price of \(model.printable)\(place) holds at \(time)",
      "check the name in provider_costs.yml; a model of a local provider costs nothing without one")
  }
}

extension PriceBook {
  /// The prices of a model at each provider that has it, or at one.
  func prices(ofModel name: String, provider wanted: String?, at time: Timestamp) -> [Price] {
    Set(prices.map(\.provider)).filter { wanted == nil || wanted == $0 }.sorted().flatMap { provider in
      let own = name.hasPrefix("\(provider)/") ? String(name.dropFirst(provider.count + 1)) : nil
      return [name, own].compactMap { $0 }.compactMap { price(provider: provider, model: $0, at: time) }
    }
  }
}

extension Price.Row {
  /// The price for one, or for a million where one costs less than a hundredth of a cent.
  var readable: (amount: String, reserve: String?, per: String) {
    guard each.mantissa > 0, each.rounded(toDecimals: 4) == 0 else {
      return (each.description, reserved?.description, "1")
    }
    let million = ExactDecimal(1_000_000)
    return ((each * million).description, reserved.map { ($0 * million).description }, "1000000")
  }

  /// `1024x1536 hd`, `input above 272000`; nil where it holds for all.
  func condition(above: Int) -> String? {
    var words = [dimensions.size, dimensions.quality, dimensions.resolution].compactMap { $0 }
    if above > 0 { words.append("input above \(above)") }
    return words.isEmpty ? nil : words.joined(separator: " ")
  }
}
