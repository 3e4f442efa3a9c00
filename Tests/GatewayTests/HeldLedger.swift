import Contracts
import Foundation
import TestKit

@testable import Billing

/// A ledger to which nobody can write for a while: what comes meanwhile waits behind a transaction that does not end, and
/// cannot be broken off.
enum HeldLedger {
  private struct NeverReleased: Error {}

  static func with(_ ledger: Ledger, _ body: () async throws -> Void) async throws {
    let (held, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let holding = Task {
      // On the database's own thread.
      try await ledger.database.write { _ in
        held.signal()
        guard release.wait(timeout: .now() + 120) == .success else { throw NeverReleased() }
      }
    }
    try await waitUntil("the ledger is held") { held.wait(timeout: .now()) == .success }
    let outcome: Result<Void, any Error>
    do {
      try await body()
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    release.signal()
    try await holding.value
    try outcome.get()
  }
}
