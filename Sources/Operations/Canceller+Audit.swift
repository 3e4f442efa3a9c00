package import Billing

extension Canceller {
  /// Ends a job, kept in the audit; the result's message tells who and why, as far as there is room.
  package func cancel(_ job: String, _ note: ActNote, _ audit: Audit) async throws -> Outcome {
    let row = try await audit.begin(.jobCancel, on: Intervention.Target(ids: [job]), note)
    let outcome = try await cancel(job, note: note.words)
    if let counted = outcome.counted { await audit.end(row, counted) }
    return outcome
  }
}

extension Canceller.Outcome {
  /// One that is pending has no outcome yet.
  fileprivate var counted: Intervention.Outcome? {
    switch self {
    case .cancelled: Intervention.Outcome(done: 1, kept: 0)
    case .cancelledBefore, .ended, .unknown: Intervention.Outcome(done: 0, kept: 1)
    case .pending: nil
    }
  }
}

extension ActNote {
  /// `by anna: wrong text`.
  package var text: String { reason.isEmpty ? "by \(by)" : "by \(by): \(reason)" }

  /// Without control characters, and no longer than a canceller takes.
  fileprivate var words: String {
    var text = text
    text.unicodeScalars.removeAll { $0.value < 0x20 || $0.value == 0x7F }
    while text.utf8.count > Canceller.mostNote { text.removeLast() }
    return text
  }
}
