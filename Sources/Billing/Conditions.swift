import Contracts

// What is the matter, in the ledger. Each change is one transaction with the alert that tells of it, and may be repeated.

extension Ledger {
  /// All that is the matter. A kind of a newer release is left out.
  package func conditions() async throws(LedgerError) -> [Condition] {
    try await database.read { session throws(LedgerError) in
      var found: [Condition] = []
      for row in try session.rows("SELECT scope, kind, since FROM condition ORDER BY scope, kind") {
        guard let kind = Condition.Kind(rawValue: try row.text("kind")),
          let subject = Condition.Subject(try row.text("scope"))
        else { continue }
        found.append(Condition(Condition.Key(kind, subject), since: try row.time("since")))
      }
      return found
    }
  }

  /// Writes it with its alert, unless it is the matter already. Answers what is there then.
  /// - Parameter isTold: administrators were told while the ledger could not be written.
  package func raise(
    _ condition: Condition, _ figures: ConditionFigures?, isTold: Bool = false
  ) async throws(LedgerError) -> Condition {
    let telling = condition.raised(figures)
    let time = now()
    return try await database.write { session throws(LedgerError) in
      guard try telling.begin(in: session, at: time) else {
        let row = try session.row(
          "SELECT since FROM condition WHERE scope = ? AND kind = ?", [.text(telling.scope), .text(telling.kind)])
        return Condition(condition.key, since: try row?.time("since") ?? condition.since)
      }
      if isTold {
        try session.execute(
          """
          UPDATE alert SET sent_at = ?, notified_at = ? WHERE scope = ? AND period = ? AND kind = ? AND threshold = ?
          """,
          [
            SQLValue(time), SQLValue(time), .text(telling.scope), .text(telling.period), .text(telling.kind),
            SQLValue(telling.threshold),
          ])
      }
      return condition
    }
  }

  /// Takes it out and writes the note that it is over. False, and nothing happens, when somebody was faster.
  @discardableResult
  package func recover(_ key: Condition.Key) async throws(LedgerError) -> Bool {
    let time = now()
    return try await database.write { session throws(LedgerError) in
      let row = try session.row(
        "DELETE FROM condition WHERE scope = ? AND kind = ? RETURNING since",
        [.text(key.subject.description), .text(key.kind.rawValue)])
      guard let row else { return false }
      let note = Condition(key, since: try row.time("since")).recovered(at: time)
      return try session.execute(Alert.insert, note.values(at: time)) > 0
    }
  }
}

extension Condition.Telling {
  /// Writes the condition with its alert. False, and nothing happens, when it is the matter already.
  func begin(in session: any SQLSession, at time: Timestamp) throws(LedgerError) -> Bool {
    let isNew = try session.execute(
      "INSERT INTO condition (scope, kind, since) VALUES (?, ?, ?) ON CONFLICT (scope, kind) DO NOTHING",
      [.text(scope), .text(kind), .text(period)])
    guard isNew > 0 else { return false }
    try session.execute(Alert.insert, values(at: time))
    return true
  }
}
