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

  /// How long the ledger may take, before the act and after it; who cancels waits meanwhile.
  private static let patience: Duration = .seconds(2)

  let ledger: LedgerAccess
  let logger: Logger

  /// To be called before the act. Nil where nothing is kept, as far as is known in time: a row that the ledger writes
  /// later than that has no outcome. Apart from the request's task, which may be cancelled by now.
  func begin(_ jobs: [String], _ context: GatewayContext) async -> Row? {
    guard let principal = context.principal, principal.has(.admin) else { return nil }
    let note = context.note(reason: "", surface: .api)
    return await Task { await begin(jobs, note) }.value
  }

  /// What came of it. Written also where nobody waits for it any more.
  func end(_ row: Row?, _ outcomes: [Canceller.Outcome]) async {
    guard let row, let outcome = Intervention.Outcome(of: outcomes) else { return }
    await Task { await end(row, outcome) }.value
  }

  private func begin(_ jobs: [String], _ note: ActNote) async -> Row? {
    do {
      return try await ledger.read(within: Self.patience) { [logger] ledger in
        let audit = Audit(in: ledger) { error in
          logger.error("the outcome of an act is not in the audit", metadata: [LogKey.error: "\(error)"])
        }
        let number = try await audit.begin(.jobCancel, on: Intervention.Target(ids: jobs), note)
        return number.map { Row(audit: audit, number: $0) }
      }
    } catch {
      logger.warning(
        "what is cancelled is not kept in the audit",
        metadata: [LogKey.count: "\(jobs.count)", LogKey.error: "\(error)"])
      return nil
    }
  }

  private func end(_ row: Row, _ outcome: Intervention.Outcome) async {
    do {
      try await ledger.read(within: Self.patience) { _ in await row.audit.end(row.number, outcome) }
    } catch {
      logger.warning("the outcome of an act is kept late or not at all", metadata: [LogKey.error: "\(error)"])
    }
  }
}
