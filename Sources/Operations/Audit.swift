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

  /// To be called before the act.
  /// - Returns: the row's number, for `end`; nil where none is written.
  /// - Throws: where the row could not be written; then nothing may be done.
  package func begin(
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

  /// What came of an act. Apart from the task of whoever asked, which may be cancelled by now.
  package func end(_ number: Int64?, _ outcome: Intervention.Outcome) async {
    guard let log, let number else { return }
    await Task { [tell] in
      do throws(LedgerError) { try await log.end(number, outcome) } catch { tell(error) }
    }.value
  }
}
