extension PostgresMigrations {
  /// As in `SQLiteMigrations`.
  static let apiKeys = """
    CREATE TABLE api_key (
      id TEXT COLLATE "C" PRIMARY KEY,
      name TEXT NOT NULL,
      hash TEXT COLLATE "C" NOT NULL,
      scopes TEXT COLLATE "C" NOT NULL,
      users TEXT COLLATE "C" NOT NULL,
      created_at TEXT COLLATE "C" NOT NULL,
      created_by TEXT NOT NULL,
      reason TEXT NOT NULL,
      revoked_at TEXT COLLATE "C"
    );
    CREATE TRIGGER api_key_is_never_changed
      BEFORE UPDATE OF id, name, hash, scopes, users, created_at, created_by, reason OR DELETE ON api_key
      FOR EACH ROW EXECUTE FUNCTION tollway_append_only();
    CREATE TRIGGER api_key_stays_revoked BEFORE UPDATE ON api_key
      FOR EACH ROW WHEN (OLD.revoked_at IS NOT NULL) EXECUTE FUNCTION tollway_append_only();

    CREATE TABLE api_key_change (
      number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      key_id TEXT COLLATE "C" NOT NULL,
      change TEXT COLLATE "C" NOT NULL CHECK (change IN ('create', 'revoke')),
      changed_at TEXT COLLATE "C" NOT NULL,
      changed_by TEXT NOT NULL,
      reason TEXT NOT NULL
    );
    CREATE INDEX api_key_change_key ON api_key_change (key_id, number);
    CREATE TRIGGER api_key_change_is_append_only BEFORE UPDATE OR DELETE ON api_key_change
      FOR EACH ROW EXECUTE FUNCTION tollway_append_only();
    """
}
