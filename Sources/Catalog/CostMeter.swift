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

  /// What an attempt that was answered is booked as having used: what was reported, with the request that it was. Where
  /// nothing is reported by which its model is priced, the worst case stands in, flagged as an estimate: a provider
  /// that is silent must not be free. Where it says nothing at all that is so whatever the price is: quotas count tokens
  /// that cost nothing, too.
  package static func booked(
    _ reported: [Usage], of payload: JSONValue, task: TaskType, price: Price?
  ) -> [Usage] {
    var usage = reported
    if reported.isEmpty || price?.isUnstated(in: reported) == true {
      let known = Set(reported.map(\.unit))
      let worst = WorstCase(of: payload, task: task, price: price)
      usage += worst.usage.filter { !known.contains($0.unit) && $0.unit != .requests }
    }
    return price?.countingRequest(usage) ?? usage
  }
}
