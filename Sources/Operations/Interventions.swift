package import Admission
package import Billing
package import Catalog

/// The emergency freeze and the providers that were taken out of service by hand. The rows in the ledger's database are
/// the truth; this brings Redis' copy to them, which workers read with every wave. Whoever copies reads the rows again
/// afterwards, until they did not change meanwhile, so that an older row never stays over a newer one.
package struct Interventions: Sendable {
  package let freezes: Freezes
  package let holds: ProviderHolds
  package let desk: AdmissionDesk

  package init(in ledger: Ledger, desk: AdmissionDesk) {
    freezes = Freezes(in: ledger)
    holds = ProviderHolds(in: ledger)
    self.desk = desk
  }

  package func copyFreeze() async throws {
    var written = try await freezes.current()
    while true {
      if let written {
        try await desk.setFreeze(id: written.id, written.encoded())
      } else {
        try await desk.clearFreeze()
      }
      let current = try await freezes.current()
      if current == written { return }
      written = current
    }
  }

  /// Providers that rest for other reasons stay as they are.
  package func copyHolds() async throws {
    var held = Set(try await holds.list().map(\.provider))
    while true {
      let known = Set(try await desk.breakers().1.filter { $0.value.reason == .hand }.keys)
      for provider in held.subtracting(known).sorted() { try await desk.hold(provider) }
      for provider in known.subtracting(held).sorted() { try await desk.release(provider) }
      let current = Set(try await holds.list().map(\.provider))
      if current == held { return }
      held = current
    }
  }

  /// Whether Redis has the freeze that the ledger has, or none where that has none.
  package func isCopied(_ freeze: Freeze?) async throws(AdmissionError) -> Bool {
    let (id, bytes) = try await desk.freeze()
    guard let freeze else { return id == nil || id == AdmissionDesk.noFreeze }
    return id == freeze.id && bytes == freeze.encoded()
  }
}
