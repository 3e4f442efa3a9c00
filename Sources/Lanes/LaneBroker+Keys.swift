import AMQP
import Contracts

// Whether the fleet ever had an API key. Redis may forget that, and only the ledger has the keys; so the broker, which
// every gateway has at hand, keeps a sign of it: an exchange that nothing is ever sent to and that is never deleted.

extension LaneBroker {
  /// To be called before the first key counts. Repeating it changes nothing, and needs no right to configure.
  package func noteKeys() async throws {
    if try await hasHadKeys() { return }
    try await withAdmin { admin in try await admin.exchangeDeclare(topology.keyed, .fanout, internal: true) }
  }

  package func hasHadKeys() async throws -> Bool {
    try await withAdmin { admin in
      do {
        try await admin.exchangeDeclare(topology.keyed, .fanout, passive: true, internal: true)
        return true
      } catch let error as AMQPError where error.code == .notFound {
        return false
      }
    }
  }
}
