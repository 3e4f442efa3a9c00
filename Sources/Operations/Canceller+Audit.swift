package import Billing

extension Canceller {
  /// Ends a job, kept in the audit; the result's message tells who and why, as far as there is room.
  package func cancel(_ job: String, _ note: ActNote, _ audit: Audit) async throws -> Outcome {
    let row = try await audit.begin(.jobCancel, on: Intervention.Target(ids: [job]), note)
    let outcome = try await cancel(job, note: note.words)
    if let counted = Intervention.Outcome(of: [outcome]) { await audit.end(row, counted) }
    return outcome
  }
}

extension Intervention.Outcome {
  /// Nil while one is pending: that has no outcome yet.
  package init?(of outcomes: [Canceller.Outcome]) {
    guard !outcomes.contains(.pending) else { return nil }
    let done = outcomes.count { $0 == .cancelled }
    self.init(done: done, kept: outcomes.count - done)
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
