package import Billing

/// Keeps acts on letters and jobs in the ledger: who, what and why before the act, what came of it afterwards.
package struct Audit: Sendable {
  private let log: InterventionLog?
  private let isOptional: Bool
  private let tell: @Sendable (LedgerError) -> Void

  /// What cannot be written is not done.
  /// - Parameter tell: why an outcome could not be written; the act itself is done then.
  package init(in ledger: Ledger, tell: @escaping @Sendable (LedgerError) -> Void) {
    log = InterventionLog(in: ledger)
    isOptional = false
    self.tell = tell
  }

  /// For a command, which is done in any case.
  /// - Parameters:
  ///   - ledger: nil where there is none.
  ///   - tell: why nothing could be written.
  package init(inAny ledger: Ledger?, tell: @escaping @Sendable (LedgerError) -> Void) {
    log = ledger.map { InterventionLog(in: $0) }
    isOptional = true
    self.tell = tell
  }

  /// - Parameter body: the act; gives what came of it, nil where that is not known yet.
  /// - Throws: what the body throws; `LedgerError` where the row could not be written, and nothing was done then.
  func keep(
    _ act: Intervention.Act, on target: Intervention.Target, _ note: ActNote,
    _ body: () async -> (outcome: Intervention.Outcome?, fault: (any Error)?)
  ) async throws {
    let number = try await begin(act, on: target, note)
    let (outcome, fault) = await body()
    if let log, let number, let outcome {
      // Apart from the task of whoever asked, which may be cancelled by now.
      await Task { [tell] in
        do throws(LedgerError) { try await log.end(number, outcome) } catch { tell(error) }
      }.value
    }
    if let fault { throw fault }
  }

  private func begin(
    _ act: Intervention.Act, on target: Intervention.Target, _ note: ActNote
  ) async throws(LedgerError) -> Int64? {
    guard let log else { return nil }
    do throws(LedgerError) {
      return try await log.begin(act, on: target, note)
    } catch {
      guard isOptional else { throw error }
      tell(error)
      return nil
    }
  }
}
