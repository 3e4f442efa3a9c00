import Contracts
import Postgres

/// The schema in PostgreSQL, as numbered steps that are never edited once released: a change is a new step. The numbers
/// are those of `SQLiteMigrations`, and each leaves the same tables and columns; PostgreSQL came in with the fifth. A
/// step is one transaction under a lock of the database's own, so that any number of processes may start at once.
enum PostgresMigrations {
  private static let steps: [(version: Int64, sql: String)] = [
    (5, tables), (6, statementsAndMarkers), (7, apiKeys), (8, LedgerOutputs.migration),
    (9, interventions),
  ]
  private static let newest: Int64 = 9

  /// Any number that no other program uses for an advisory lock in this database.
  private static let lock: Int64 = 0x746F_6C6C_7761_79

  /// Nothing is written, and no right to do so needed, where all is done already.
  static func bring(_ client: PostgresClient) async throws {
    let isDone = try await client.transaction(.snapshot) { session in
      try isThere("schema_migration", in: session) && version(in: session) == newest
    }
    if isDone { return }
    for (version, sql) in steps {
      try await client.transaction(.unhurried) { session in
        _ = try session.rows("SELECT pg_advisory_xact_lock(?)", [.integer(lock)])
        try session.run(script: log)
        guard try Self.version(in: session) < version else { return }
        try session.run(script: sql)
        try session.execute(
          "INSERT INTO schema_migration (version, applied_at) VALUES (?, ?)",
          [.integer(version), .text(wallClock().description)])
      }
    }
  }

  /// Throws where the tables are not those of this version.
  static func requireNewest(_ client: PostgresClient) async throws {
    try await client.transaction(.snapshot) { session in
      // Others may have a table of the first name too.
      guard try isThere("schema_migration", in: session), try isThere("usage_cost", in: session) else {
        throw LedgerError(.absent, "there is no ledger in the database that the address names")
      }
      guard try version(in: session) == newest else {
        throw LedgerError(.olderSchema, "its tables are those of an older version of tollway")
      }
    }
  }

  private static func isThere(_ table: String, in session: PostgresSession) throws -> Bool {
    let found = try session.rows("SELECT to_regclass(?) IS NOT NULL AS is_there", [.text(table)])
    return found.rows.first?.first == .integer(1)
  }

  /// Of the last step that was applied; 0 before the first.
  private static func version(in session: PostgresSession) throws -> Int64 {
    let found = try session.rows("SELECT coalesce(max(version), 0) AS version FROM schema_migration")
    guard case .integer(let version) = found.rows.first?.first else {
      throw LedgerError(.corrupt, "the table schema_migration is not ours")
    }
    guard version <= newest else {
      throw LedgerError(.newerSchema, "the tables were made by a newer version of tollway; use that version")
    }
    return version
  }

  private static let log = """
    CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT PRIMARY KEY, applied_at TEXT COLLATE "C" NOT NULL)
    """

  /// Collation "C": texts sort by their bytes, as in SQLite. Quarantined bodies are told apart by their digest, because
  /// an index cannot hold them. Tables whose rows are changed again and again have room for that in each page.
  private static let tables = """
    CREATE FUNCTION tollway_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
      BEGIN RAISE EXCEPTION '% is append-only: a correction is a new row', TG_TABLE_NAME; END
    $body$;

    CREATE TABLE usage_cost (
      row_number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      event_id TEXT COLLATE "C" NOT NULL UNIQUE,
      job_id TEXT COLLATE "C" NOT NULL,
      run TEXT COLLATE "C" NOT NULL,
      attempt BIGINT NOT NULL,
      series_id TEXT COLLATE "C",
      user_id TEXT COLLATE "C" NOT NULL,
      tier TEXT COLLATE "C" NOT NULL,
      task_type TEXT COLLATE "C" NOT NULL,
      provider TEXT COLLATE "C" NOT NULL,
      model TEXT COLLATE "C" NOT NULL,
      model_version TEXT COLLATE "C",
      outcome TEXT COLLATE "C" NOT NULL,
      usage TEXT COLLATE "C" NOT NULL,
      amount_nano_usd BIGINT NOT NULL,
      basis TEXT COLLATE "C" NOT NULL,
      price_id TEXT COLLATE "C",
      charge_period TEXT COLLATE "C" NOT NULL,
      occurred_at TEXT COLLATE "C" NOT NULL,
      recorded_at TEXT COLLATE "C" NOT NULL,
      corrects TEXT COLLATE "C",
      billing_period TEXT COLLATE "C" NOT NULL
    );
    CREATE INDEX usage_cost_occurred_at ON usage_cost (occurred_at);
    CREATE INDEX usage_cost_corrects ON usage_cost (corrects) WHERE corrects IS NOT NULL;
    CREATE TRIGGER usage_cost_is_append_only BEFORE UPDATE OR DELETE ON usage_cost
      FOR EACH ROW EXECUTE FUNCTION tollway_append_only();
    CREATE TRIGGER usage_cost_is_never_emptied BEFORE TRUNCATE ON usage_cost EXECUTE FUNCTION tollway_append_only();

    CREATE TABLE user_month (
      user_id TEXT COLLATE "C" NOT NULL,
      charge_period TEXT COLLATE "C" NOT NULL,
      amount_nano_usd BIGINT NOT NULL,
      jobs BIGINT NOT NULL,
      input_tokens TEXT NOT NULL,
      cached_input_tokens TEXT NOT NULL,
      cache_write_tokens TEXT NOT NULL,
      output_tokens TEXT NOT NULL,
      input_audio_tokens TEXT NOT NULL,
      output_audio_tokens TEXT NOT NULL,
      input_image_tokens TEXT NOT NULL,
      output_image_tokens TEXT NOT NULL,
      characters TEXT NOT NULL,
      audio_seconds TEXT NOT NULL,
      images TEXT NOT NULL,
      video_seconds TEXT NOT NULL,
      requests TEXT NOT NULL,
      last_row BIGINT NOT NULL DEFAULT 0,
      cache_write_1h_tokens TEXT NOT NULL DEFAULT '0',
      PRIMARY KEY (user_id, charge_period)
    ) WITH (fillfactor = 70);
    CREATE INDEX user_month_period ON user_month (charge_period, user_id);

    CREATE TABLE balance (
      scope TEXT COLLATE "C" NOT NULL,
      charge_period TEXT COLLATE "C" NOT NULL,
      amount_nano_usd BIGINT NOT NULL,
      PRIMARY KEY (scope, charge_period)
    ) WITH (fillfactor = 50);

    CREATE TABLE quarantined_event (
      number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      event_id TEXT COLLATE "C",
      reason TEXT NOT NULL,
      body BYTEA NOT NULL,
      body_bytes BIGINT NOT NULL,
      received_at TEXT COLLATE "C" NOT NULL
    );
    CREATE UNIQUE INDEX quarantined_event_body ON quarantined_event (sha256(body), body_bytes);

    CREATE TABLE closed_month (
      charge_period TEXT COLLATE "C" PRIMARY KEY,
      closed_at TEXT COLLATE "C" NOT NULL,
      closed_by TEXT NOT NULL,
      reason TEXT NOT NULL,
      row_count BIGINT NOT NULL,
      amount_nano_usd BIGINT NOT NULL
    );
    CREATE TRIGGER closed_month_is_append_only BEFORE UPDATE OR DELETE ON closed_month
      FOR EACH ROW EXECUTE FUNCTION tollway_append_only();

    CREATE TABLE alert (
      number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      scope TEXT COLLATE "C" NOT NULL,
      period TEXT COLLATE "C" NOT NULL,
      kind TEXT COLLATE "C" NOT NULL,
      threshold BIGINT NOT NULL,
      severity TEXT NOT NULL,
      body BYTEA NOT NULL,
      created_at TEXT COLLATE "C" NOT NULL,
      sent_at TEXT COLLATE "C",
      notified_at TEXT COLLATE "C",
      UNIQUE (scope, period, kind, threshold)
    );
    CREATE INDEX alert_unsent ON alert (number) WHERE sent_at IS NULL;
    CREATE INDEX alert_unnotified ON alert (number) WHERE notified_at IS NULL;

    CREATE TABLE condition (
      scope TEXT COLLATE "C" NOT NULL,
      kind TEXT COLLATE "C" NOT NULL,
      since TEXT COLLATE "C" NOT NULL,
      PRIMARY KEY (scope, kind)
    );

    CREATE TABLE role (
      name TEXT COLLATE "C" PRIMARY KEY,
      holder TEXT COLLATE "C" NOT NULL,
      until TEXT COLLATE "C" NOT NULL
    );

    CREATE TABLE marker (
      number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      epoch TEXT COLLATE "C" NOT NULL UNIQUE
    );
    CREATE TABLE replica (
      process TEXT COLLATE "C" PRIMARY KEY,
      alive_until TEXT COLLATE "C" NOT NULL,
      passed BIGINT NOT NULL
    );

    CREATE TABLE user_assignment (
      user_id TEXT COLLATE "C" PRIMARY KEY,
      tier TEXT COLLATE "C",
      overrides TEXT NOT NULL,
      changed_at TEXT COLLATE "C" NOT NULL,
      changed_by TEXT NOT NULL,
      reason TEXT NOT NULL
    );

    CREATE TABLE assignment_audit (
      number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      user_id TEXT COLLATE "C" NOT NULL,
      changed_at TEXT COLLATE "C" NOT NULL,
      changed_by TEXT NOT NULL,
      reason TEXT NOT NULL,
      before TEXT,
      after TEXT
    );
    CREATE INDEX assignment_audit_user ON assignment_audit (user_id, number);
    CREATE TRIGGER assignment_audit_is_append_only BEFORE UPDATE OR DELETE ON assignment_audit
      FOR EACH ROW EXECUTE FUNCTION tollway_append_only();

    CREATE TABLE "freeze" (
      number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      freeze_id TEXT COLLATE "C" NOT NULL,
      state TEXT COLLATE "C" NOT NULL CHECK (state IN ('on', 'off')),
      changed_at TEXT COLLATE "C" NOT NULL,
      changed_by TEXT NOT NULL,
      reason TEXT NOT NULL,
      versions TEXT,
      CHECK ((state = 'on') = (versions IS NOT NULL))
    );
    CREATE TRIGGER freeze_is_append_only BEFORE UPDATE OR DELETE ON "freeze"
      FOR EACH ROW EXECUTE FUNCTION tollway_append_only();

    CREATE TABLE provider_hold (
      provider TEXT COLLATE "C" PRIMARY KEY,
      held_at TEXT COLLATE "C" NOT NULL,
      held_by TEXT NOT NULL,
      reason TEXT NOT NULL
    );

    CREATE TABLE provider_hold_audit (
      number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      provider TEXT COLLATE "C" NOT NULL,
      change TEXT COLLATE "C" NOT NULL CHECK (change IN ('hold', 'release', 'end_rest')),
      changed_at TEXT COLLATE "C" NOT NULL,
      changed_by TEXT NOT NULL,
      reason TEXT NOT NULL
    );
    CREATE TRIGGER provider_hold_audit_is_append_only BEFORE UPDATE OR DELETE ON provider_hold_audit
      FOR EACH ROW EXECUTE FUNCTION tollway_append_only();
    """

  private static let statementsAndMarkers = """
    CREATE INDEX usage_cost_billing_period ON usage_cost (billing_period) INCLUDE (amount_nano_usd);
    ALTER TABLE marker DROP CONSTRAINT marker_epoch_key;
    ALTER TABLE replica ADD COLUMN lag_ms BIGINT NOT NULL DEFAULT 0;
    """
}
