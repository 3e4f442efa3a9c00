extension PostgresMigrations {
  /// As in `SQLiteMigrations`.
  static let interventions = """
    CREATE TABLE intervention (
      number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      changed_at TEXT COLLATE "C" NOT NULL,
      changed_by TEXT NOT NULL,
      surface TEXT COLLATE "C" NOT NULL CHECK (surface IN ('cli', 'api', 'console')),
      act TEXT COLLATE "C" NOT NULL,
      target TEXT NOT NULL,
      target_count BIGINT,
      reason TEXT NOT NULL,
      request_id TEXT COLLATE "C",
      ended_at TEXT COLLATE "C",
      done BIGINT,
      kept BIGINT
    );
    CREATE TRIGGER intervention_is_never_changed
      BEFORE UPDATE OF number, changed_at, changed_by, surface, act, target, target_count, reason, request_id
      OR DELETE ON intervention
      FOR EACH ROW EXECUTE FUNCTION tollway_append_only();
    CREATE TRIGGER intervention_ends_once BEFORE UPDATE ON intervention
      FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION tollway_append_only();
    """
}
