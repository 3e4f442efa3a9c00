package import Contracts

/// Says what an attempt that was answered cost, and on what ground. Pure.
package enum CostMeter {
  /// In this order: what the provider states it charged; the price of the model at the time of the event; nothing, at a
  /// provider that is free by default. The basis is `estimate` where a quantity that is charged for was estimated.
  ///
  /// - Returns: nil for a model without a price at a provider that is not free, and for a usage that cannot be priced
  ///   (a negative quantity, a sum beyond 64 bits). The caller decides what is booked then.
  package static func cost(
    of usage: [Usage], dimensions: Price.Dimensions = .init(), stated: Money?, provider: ProviderDefinition,
    price: Price?
  ) -> Cost? {
    if let stated, stated >= .zero { return Cost(stated, basis: .provider, priceID: nil) }
    if let price {
      guard let amount = price.cost(of: usage, dimensions: dimensions) else { return nil }
      return Cost(amount, basis: price.isEstimate(of: usage) ? .estimate : .priceBook, priceID: price.id)
    }
    return provider.isFreeByDefault ? Cost(.zero, basis: .priceBook, priceID: nil) : nil
  }
}
