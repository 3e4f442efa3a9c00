/// What an attempt cost and on what ground that is said.
package struct Cost: Sendable, Hashable {
  package enum Basis: String, Sendable, CaseIterable {
    /// The provider stated the amount; it wins over any price of ours.
    case provider
    case priceBook = "price_book"
    /// The worst case, for attempts that were never heard of again.
    case estimate
  }

  package var amount: Money
  package var basis: Basis
  /// The row of the price book that was applied, `provider/model@effective-from`; nil where none was.
  package var priceID: String?

  package init(_ amount: Money, basis: Basis, priceID: String?) {
    self.amount = amount
    self.basis = basis
    self.priceID = priceID
  }
}

/// How an attempt ended, as the ledger sees it.
package enum AttemptOutcome: String, Sendable, CaseIterable {
  case success, failed, unknown
}
