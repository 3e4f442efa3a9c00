package import Admission

/// A change that is in the ledger, and not yet in Redis, where workers and gateways look. Making it again mends that.
package struct NotCopied: Error, Sendable {
  package let cause: AdmissionError

  /// Runs the second half of a change, whose first half is in the ledger.
  package static func around(_ copy: () async throws -> Void) async throws {
    do {
      try await copy()
    } catch let error as AdmissionError {
      throw NotCopied(cause: error)
    }
  }
}
