package import Admission
package import Billing
package import Contracts

/// Redis' copy of the API keys, which gateways read. The rows in the ledger's database are the truth. A key that is
/// revoked in the copy stays so, whatever a late writer brings.
package struct KeyCopy: Sendable {
  package let keys: Keys
  private let desk: AdmissionDesk

  package init(in ledger: Ledger, desk: AdmissionDesk) {
    keys = Keys(in: ledger)
    self.desk = desk
  }

  /// Writes one key. What else is in the copy stays: the ledger of a command may be another one by mistake.
  package func write(_ key: APIKey) async throws { try await desk.storeKeys([key]) }

  /// Brings the whole copy to the rows of the ledger, and answers how many there are.
  package func restore() async throws -> Int {
    while true {
      let difference = try await difference()
      let changed =
        try await desk.storeKeys(difference.unlike) + desk.removeKeys(difference.foreign)
      if changed == 0 { return difference.rows }
    }
  }

  package struct Difference: Sendable {
    /// Of the ledger, the revoked ones included.
    package var rows: Int
    /// Those of them that may come in.
    package var valid: Int
    /// The copy does not have them, or not like this.
    package var unlike: [APIKey]
    /// Ids of the copy that the ledger does not have.
    package var foreign: [String]
  }

  /// The copy is read first: a key that is in it then is in the ledger, if it is one of this fleet.
  package func difference() async throws -> Difference {
    let copy = try await desk.storedKeys()
    let rows = try await keys.list().map(\.key)
    let ids = Set(rows.map(\.id))
    return Difference(
      rows: rows.count, valid: rows.count { !$0.isRevoked }, unlike: rows.filter { copy[$0.id] != $0 },
      foreign: copy.keys.filter { !ids.contains($0) })
  }
}
