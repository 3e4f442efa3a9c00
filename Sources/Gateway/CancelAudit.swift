import Billing
import Contracts
import Logging
import Operations

/// Keeps in the ledger what administrators cancel over HTTP. Cancelling does not need the ledger, so it goes on where that
/// does not answer, and the log says so. What a sender cancels that is no administrator stands in the jobs' results alone.
struct CancelAudit: Sendable {
  /// Of an act that was kept, for its outcome.
  struct Row: Sendable {
    fileprivate let audit: Audit
    fileprivate let number: Int64
  }

  /// How long the ledger may take; who cancels waits meanwhile.
  private static let patience: Duration = .seconds(2)

  let ledger: LedgerAccess
  let logger: Logger

  /// To be called before the act. Nil where nothing is kept.
  func begin(_ jobs: [String], _ context: GatewayContext) async -> Row? {
    guard let principal = context.principal, principal.has(.admin) else { return nil }
    let note = context.note(reason: "", surface: .api)
    return await withTaskGroup(of: Row?.self) { group in
      group.addTask { await begin(jobs, note) }
      group.addTask {
        // Cancelled as soon as the ledger has answered.
        do { try await Task.sleep(for: Self.patience) } catch { return nil }
        return nil
      }
      var row = await group.next() ?? nil
      group.cancelAll()
      // What is broken off says so in the log; what was written in this moment is kept.
      while let late = await group.next() { row = row ?? late }
      return row
    }
  }

  /// What came of it.
  func end(_ row: Row?, _ outcomes: [Canceller.Outcome]) async {
    guard let row, let outcome = Intervention.Outcome(of: outcomes) else { return }
    await row.audit.end(row.number, outcome)
  }

  private func begin(_ jobs: [String], _ note: ActNote) async -> Row? {
    do {
      let audit = Audit(in: try await ledger.ledger()) { [logger] error in
        logger.error("the outcome of an act is not in the audit", metadata: [LogKey.error: "\(error)"])
      }
      let number = try await audit.begin(.jobCancel, on: Intervention.Target(ids: jobs), note)
      return number.map { Row(audit: audit, number: $0) }
    } catch {
      logger.warning(
        "what is cancelled is not kept in the audit",
        metadata: [LogKey.count: "\(jobs.count)", LogKey.error: "\(error)"])
      return nil
    }
  }
}
