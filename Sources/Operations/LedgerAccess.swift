package import Billing
import Synchronization

/// The ledger of a process that can do without it: opened when it is asked for first, never made. Where that fails, whoever
/// asks is told, and the next one tries again. Safe to share.
package final class LedgerAccess: Sendable {
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
}
