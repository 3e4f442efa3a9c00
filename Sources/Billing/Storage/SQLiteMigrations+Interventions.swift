extension SQLiteMigrations {
  /// Of a row of `intervention` nothing changes but that its outcome is added, once. `target_count` is NULL where a filter
  /// chose.
  static let interventions = """
    CREATE TABLE intervention (
      number INTEGER PRIMARY KEY,
      changed_at TEXT NOT NULL,
      changed_by TEXT NOT NULL,
      surface TEXT NOT NULL CHECK (surface IN ('cli', 'api', 'console')),
      act TEXT NOT NULL,
      target TEXT NOT NULL,
      target_count INTEGER,
      reason TEXT NOT NULL,
      request_id TEXT,
      ended_at TEXT,
      done INTEGER,
      kept INTEGER
    ) STRICT;
    CREATE TRIGGER intervention_is_never_changed
      BEFORE UPDATE OF number, changed_at, changed_by, surface, act, target, target_count, reason, request_id
      ON intervention BEGIN SELECT RAISE(ABORT, 'intervention is append-only'); END;
    CREATE TRIGGER intervention_ends_once BEFORE UPDATE ON intervention WHEN OLD.ended_at IS NOT NULL
      BEGIN SELECT RAISE(ABORT, 'intervention is append-only: an outcome stays'); END;
    CREATE TRIGGER intervention_is_never_removed BEFORE DELETE ON intervention
      BEGIN SELECT RAISE(ABORT, 'intervention is append-only'); END;
    """
}
