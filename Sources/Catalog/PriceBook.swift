package import Contracts

/// All prices, found by provider, model and instant. Immutable, shared by all jobs; a changed file makes a new one.
package struct PriceBook: Sendable {
  /// Ordered by provider, model and instant.
  package let prices: [Price]
  private let byProvider: [String: Shelf]

  /// Prices of one provider; each list runs from the oldest to the newest.
  private struct Shelf: Sendable {
    var exact: [String: [Price]] = [:]
    /// The longest beginnings first.
    var prefixes: [(beginning: String, prices: [Price])] = []
    /// In the order of the file.
    var patterns: [(text: String, pattern: NamePattern, prices: [Price])] = []
  }

  package init(_ prices: [Price]) {
    self.prices = prices.sorted {
      ($0.provider, $0.model, $0.match.rawValue, $0.effectiveFrom)
        < ($1.provider, $1.model, $1.match.rawValue, $1.effectiveFrom)
    }
    var byProvider: [String: Shelf] = [:]
    for price in prices where price.match == .regex {
      let isKnown = byProvider[price.provider]?.patterns.contains { $0.text == price.model } ?? false
      if !isKnown {
        byProvider[price.provider, default: Shelf()].patterns.append((price.model, Self.pattern(of: price), []))
      }
    }
    for price in self.prices {
      var shelf = byProvider.removeValue(forKey: price.provider) ?? Shelf()
      switch price.match {
      case .exact: shelf.exact[price.model, default: []].append(price)
      case .prefix:
        if let place = shelf.prefixes.firstIndex(where: { $0.beginning == price.model }) {
          shelf.prefixes[place].prices.append(price)
        } else {
          shelf.prefixes.append((price.model, [price]))
          shelf.prefixes.sort { $0.beginning.utf8.count > $1.beginning.utf8.count }
        }
      case .regex:
        for place in shelf.patterns.indices where shelf.patterns[place].text == price.model {
          shelf.patterns[place].prices.append(price)
        }
      }
      byProvider[price.provider] = shelf
    }
    self.byProvider = byProvider
  }

  private static func pattern(of price: Price) -> NamePattern {
    do throws(NamePattern.Fault) {
      return try NamePattern(price.model)
    } catch {
      fatalError("Bug: a price whose pattern \(error.message) was accepted")
    }
  }

  /// The price that holds at the time of an event, whenever it is asked for: of the exact name if there is any, else of
  /// the longest beginning that fits, else of the first pattern in the file. A gap between two prices stays a gap; a
  /// less specific price does not fill it.
  package func price(provider: String, model: String, at time: Timestamp) -> Price? {
    guard let shelf = byProvider[provider] else { return nil }
    let history =
      shelf.exact[model] ?? shelf.prefixes.first { model.hasPrefix($0.beginning) }?.prices
      ?? shelf.patterns.first { $0.pattern.matches(model) }?.prices ?? []
    guard let price = history.last(where: { $0.effectiveFrom <= time }) else { return nil }
    if let end = price.effectiveTo, end <= time { return nil }
    return price
  }
}
