/// Which jobs succeeded, by their rows: for jobs that wait for them after Redis has forgotten them.
package struct LedgerSuccess: Sendable, Hashable {
  package var jobID: String
  package var userID: String
  package var taskType: String
  /// References to the files that it made, `{"artifact":...}` or `{"artifacts":...}`; nil where it made none.
  package var output: [UInt8]?
}

/// The column `output` of `usage_cost`, and how a job's success is found.
enum LedgerOutputs {
  /// The same in both databases. A success is looked for by its job alone, and rows of other outcomes are many.
  static let migration = """
    ALTER TABLE usage_cost ADD COLUMN output TEXT;
    CREATE INDEX usage_cost_success ON usage_cost (job_id) WHERE outcome = 'success' AND corrects IS NULL;
    """

  fileprivate static let select = """
    SELECT user_id, task_type, output FROM usage_cost WHERE job_id = ? AND outcome = 'success' AND corrects IS NULL
    ORDER BY row_number DESC LIMIT 1
    """
}

extension Ledger {
  /// The newest success of each job that has one, all of one snapshot.
  package func successes(of jobs: [String]) async throws(LedgerError) -> [LedgerSuccess] {
    guard !jobs.isEmpty else { return [] }
    return try await database.read { session in
      try zip(jobs, try session.each(LedgerOutputs.select, jobs.map { [.text($0)] })).compactMap { job, rows in
        guard let row = rows.first else { return nil }
        return LedgerSuccess(
          jobID: job, userID: try row.text("user_id"), taskType: try row.text("task_type"),
          output: try row.optionalText("output").map { Array($0.utf8) })
      }
    }
  }
}
