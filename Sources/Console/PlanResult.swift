package import Operations

/// What came of a plan.
package struct PlanResult: Sendable {
  package var kind: LettersPage.Kind
  package var report: LetterReport
  package var reason: String
  package var by: String
  package var at: String

  package init(kind: LettersPage.Kind, report: LetterReport, reason: String, by: String, at: String) {
    self.kind = kind
    self.report = report
    self.reason = reason
    self.by = by
    self.at = at
  }
}
