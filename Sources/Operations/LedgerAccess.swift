package import Billing
import Synchronization

/// The ledger of a process that can do without it: opened when it is asked for first, never made. Where that fails, whoever
/// asks is told, and the next one tries again. Safe to share.
package final class LedgerAccess: Sendable {
  /// The ledger has not answered in the time that it was given.
  package struct Late: Error, Sendable {}

  private let open: @Sendable () throws(LedgerError) -> Ledger
  private let opened = Mutex<Ledger?>(nil)

  /// - Parameter open: makes nothing. A server need not answer yet.
  package init(open: @escaping @Sendable () throws(LedgerError) -> Ledger) { self.open = open }

  package func ledger() async throws(LedgerError) -> Ledger {
    try opened.withLock { opened throws(LedgerError) in
      if let opened { return opened }
      let ledger = try open()
      opened = ledger
      return ledger
    }
  }

  /// For what is done without the ledger when that takes its time. Whoever asks goes on after `limit`, also where the
  /// reading cannot be broken off at once.
  /// - Throws: `Late`, or what the body throws.
  package func read<Value: Sendable>(
    within limit: Duration, _ body: @escaping @Sendable (Ledger) async throws -> Value
  ) async throws -> Value {
    let (answers, answer) = AsyncThrowingStream<Value, any Error>.makeStream()
    let reading = Task {
      do {
        answer.yield(try await body(try await ledger()))
        answer.finish()
      } catch {
        answer.finish(throwing: error)
      }
    }
    let clock = Task {
      try await Task.sleep(for: limit)
      answer.finish(throwing: Late())
    }
    answer.onTermination = { _ in
      reading.cancel()
      clock.cancel()
    }
    for try await value in answers { return value }
    throw CancellationError()  // of whoever asked
  }
}
