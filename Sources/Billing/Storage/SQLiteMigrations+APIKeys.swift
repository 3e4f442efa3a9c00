extension SQLiteMigrations {
  /// Of a row of `api_key` nothing changes but that it is revoked, once. `scopes` are joined by commas.
  static let apiKeys = """
    CREATE TABLE api_key (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL,
      hash TEXT NOT NULL,
      scopes TEXT NOT NULL,
      users TEXT NOT NULL,
      created_at TEXT NOT NULL,
      created_by TEXT NOT NULL,
      reason TEXT NOT NULL,
      revoked_at TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER api_key_is_never_changed BEFORE UPDATE OF id, name, hash, scopes, users, created_at, created_by, reason
      ON api_key BEGIN SELECT RAISE(ABORT, 'api_key is append-only: make another key'); END;
    CREATE TRIGGER api_key_stays_revoked BEFORE UPDATE ON api_key WHEN OLD.revoked_at IS NOT NULL
      BEGIN SELECT RAISE(ABORT, 'api_key is append-only: a revoked key stays revoked'); END;
    CREATE TRIGGER api_key_is_never_removed BEFORE DELETE ON api_key
      BEGIN SELECT RAISE(ABORT, 'api_key is append-only: revoke the key'); END;

    CREATE TABLE api_key_change (
      number INTEGER PRIMARY KEY,
      key_id TEXT NOT NULL,
      change TEXT NOT NULL CHECK (change IN ('create', 'revoke')),
      changed_at TEXT NOT NULL,
      changed_by TEXT NOT NULL,
      reason TEXT NOT NULL
    ) STRICT;
    CREATE INDEX api_key_change_key ON api_key_change (key_id, number);
    CREATE TRIGGER api_key_change_is_never_changed BEFORE UPDATE ON api_key_change
      BEGIN SELECT RAISE(ABORT, 'api_key_change is append-only'); END;
    CREATE TRIGGER api_key_change_is_never_removed BEFORE DELETE ON api_key_change
      BEGIN SELECT RAISE(ABORT, 'api_key_change is append-only'); END;
    """
}
