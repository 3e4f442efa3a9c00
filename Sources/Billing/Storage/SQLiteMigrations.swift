import GRDB

/// The schema, as numbered steps that are never edited once released: a change is a new step. Applied when a ledger is
/// opened, each in its own transaction, so that a file of any age or an empty one ends at the same tables.
enum SQLiteMigrations {
  static func bring(_ database: some DatabaseWriter) throws {
    // By the writer: a reader that looked before would keep the old columns in mind.
    try database.write { try refuseNewer($0) }
    try migrator.migrate(database)
  }

  /// Throws where the tables are not those of this version.
  static func requireNewest(_ database: Database) throws {
    try refuseNewer(database)
    guard try !migrator.appliedIdentifiers(database).isEmpty else {
      throw LedgerError(.absent, "there is no ledger in the file")
    }
    guard try migrator.hasCompletedMigrations(database) else {
      throw LedgerError(.olderSchema, "its tables are those of an older version of tollway")
    }
  }

  private static func refuseNewer(_ database: Database) throws {
    guard try !migrator.hasBeenSuperseded(database) else {
      throw LedgerError(.newerSchema, "the file was written by a newer version of tollway; use that version")
    }
  }

  private static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 ledger") { try $0.execute(sql: ledger) }
    migrator.registerMigration("2 assignments") { try $0.execute(sql: assignments) }
    migrator.registerMigration("3 alerts and last rows") { try $0.execute(sql: alertsAndLastRows) }
    migrator.registerMigration("4 freeze and holds") { try $0.execute(sql: freezeAndHolds) }
    migrator.registerMigration("5 balances and closed months") { try $0.execute(sql: balancesAndClosedMonths) }
    migrator.registerMigration("6 statements and markers") { try $0.execute(sql: statementsAndMarkers) }
    migrator.registerMigration("7 API keys") { try $0.execute(sql: apiKeys) }
    migrator.registerMigration("8 outputs") { try $0.execute(sql: LedgerOutputs.migration) }
    migrator.registerMigration("9 interventions") { try $0.execute(sql: interventions) }
    return migrator
  }

  /// Times are RFC 3339 with milliseconds in UTC, hence sort as text. The sums of `user_month` are decimal numbers as
  /// text, because SQLite's own numbers would round them. Rows of `usage_cost` are never changed or removed.
  private static let ledger = """
    CREATE TABLE usage_cost (
      row_number INTEGER PRIMARY KEY,
      event_id TEXT NOT NULL UNIQUE,
      job_id TEXT NOT NULL,
      run TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      series_id TEXT,
      user_id TEXT NOT NULL,
      tier TEXT NOT NULL,
      task_type TEXT NOT NULL,
      provider TEXT NOT NULL,
      model TEXT NOT NULL,
      model_version TEXT,
      outcome TEXT NOT NULL,
      usage TEXT NOT NULL,
      amount_nano_usd INTEGER NOT NULL,
      basis TEXT NOT NULL,
      price_id TEXT,
      charge_period TEXT NOT NULL,
      occurred_at TEXT NOT NULL,
      recorded_at TEXT NOT NULL,
      corrects TEXT
    ) STRICT;
    CREATE INDEX usage_cost_occurred_at ON usage_cost (occurred_at);
    CREATE TRIGGER usage_cost_is_never_changed BEFORE UPDATE ON usage_cost
      BEGIN SELECT RAISE(ABORT, 'usage_cost is append-only: a correction is a new row'); END;
    CREATE TRIGGER usage_cost_is_never_removed BEFORE DELETE ON usage_cost
      BEGIN SELECT RAISE(ABORT, 'usage_cost is append-only: a correction is a new row'); END;

    CREATE TABLE user_month (
      user_id TEXT NOT NULL,
      charge_period TEXT NOT NULL,
      amount_nano_usd INTEGER NOT NULL,
      jobs INTEGER NOT NULL,
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
      PRIMARY KEY (user_id, charge_period)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE quarantined_event (
      number INTEGER PRIMARY KEY,
      event_id TEXT,
      reason TEXT NOT NULL,
      body BLOB NOT NULL,
      body_bytes INTEGER NOT NULL,
      received_at TEXT NOT NULL,
      UNIQUE (body, body_bytes)
    ) STRICT;
    """

  private static let assignments = """
    CREATE TABLE user_assignment (
      user_id TEXT PRIMARY KEY,
      tier TEXT,
      overrides TEXT NOT NULL,
      changed_at TEXT NOT NULL,
      changed_by TEXT NOT NULL,
      reason TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE assignment_audit (
      number INTEGER PRIMARY KEY,
      user_id TEXT NOT NULL,
      changed_at TEXT NOT NULL,
      changed_by TEXT NOT NULL,
      reason TEXT NOT NULL,
      before TEXT,
      after TEXT
    ) STRICT;
    CREATE INDEX assignment_audit_user ON assignment_audit (user_id, number);
    CREATE TRIGGER assignment_audit_is_never_changed BEFORE UPDATE ON assignment_audit
      BEGIN SELECT RAISE(ABORT, 'assignment_audit is append-only'); END;
    CREATE TRIGGER assignment_audit_is_never_removed BEFORE DELETE ON assignment_audit
      BEGIN SELECT RAISE(ABORT, 'assignment_audit is append-only'); END;
    """

  /// `last_row` is the largest row number of a month: who holds a copy of its sums knows by it which copy is newer.
  /// `threshold` is in percent of what is watched, `scope` names whose it is (`user:anna`).
  private static let alertsAndLastRows = """
    ALTER TABLE user_month ADD COLUMN last_row INTEGER NOT NULL DEFAULT 0;
    UPDATE user_month SET last_row = sums.last_row
      FROM (SELECT user_id, charge_period, max(row_number) AS last_row FROM usage_cost GROUP BY 1, 2) AS sums
      WHERE user_month.user_id = sums.user_id AND user_month.charge_period = sums.charge_period;
    CREATE INDEX user_month_period ON user_month (charge_period, user_id);

    CREATE TABLE alert (
      number INTEGER PRIMARY KEY,
      scope TEXT NOT NULL,
      period TEXT NOT NULL,
      kind TEXT NOT NULL,
      threshold INTEGER NOT NULL,
      severity TEXT NOT NULL,
      body BLOB NOT NULL,
      created_at TEXT NOT NULL,
      sent_at TEXT,
      UNIQUE (scope, period, kind, threshold)
    ) STRICT;
    CREATE INDEX alert_unsent ON alert (number) WHERE sent_at IS NULL;
    """

  /// The newest row of `freeze` rules; its rows are their own audit. `versions` is what is held, of a row `on` only.
  private static let freezeAndHolds = """
    CREATE TABLE freeze (
      number INTEGER PRIMARY KEY,
      freeze_id TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('on', 'off')),
      changed_at TEXT NOT NULL,
      changed_by TEXT NOT NULL,
      reason TEXT NOT NULL,
      versions TEXT,
      CHECK ((state = 'on') = (versions IS NOT NULL))
    ) STRICT;
    CREATE TRIGGER freeze_is_never_changed BEFORE UPDATE ON freeze
      BEGIN SELECT RAISE(ABORT, 'freeze is append-only'); END;
    CREATE TRIGGER freeze_is_never_removed BEFORE DELETE ON freeze
      BEGIN SELECT RAISE(ABORT, 'freeze is append-only'); END;

    CREATE TABLE provider_hold (
      provider TEXT PRIMARY KEY,
      held_at TEXT NOT NULL,
      held_by TEXT NOT NULL,
      reason TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE provider_hold_audit (
      number INTEGER PRIMARY KEY,
      provider TEXT NOT NULL,
      change TEXT NOT NULL CHECK (change IN ('hold', 'release', 'end_rest')),
      changed_at TEXT NOT NULL,
      changed_by TEXT NOT NULL,
      reason TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER provider_hold_audit_is_never_changed BEFORE UPDATE ON provider_hold_audit
      BEGIN SELECT RAISE(ABORT, 'provider_hold_audit is append-only'); END;
    CREATE TRIGGER provider_hold_audit_is_never_removed BEFORE DELETE ON provider_hold_audit
      BEGIN SELECT RAISE(ABORT, 'provider_hold_audit is append-only'); END;
    """

  /// `balance` sums the rows by scope (`fleet`, `tier:PRO`, `provider:openai`) and month. `billing_period` of a row is the
  /// month in whose statement it stands: its charge period, or the month that was open when it came after that had been
  /// closed. `condition` holds what is the matter now, `role` which process does what only one of them shall do, `replica`
  /// which processes book and behind which `marker` each of them has come.
  private static let balancesAndClosedMonths = """
    ALTER TABLE usage_cost ADD COLUMN billing_period TEXT NOT NULL DEFAULT '';
    DROP TRIGGER usage_cost_is_never_changed;
    UPDATE usage_cost SET billing_period = charge_period;
    CREATE TRIGGER usage_cost_is_never_changed BEFORE UPDATE ON usage_cost
      BEGIN SELECT RAISE(ABORT, 'usage_cost is append-only: a correction is a new row'); END;
    CREATE INDEX usage_cost_corrects ON usage_cost (corrects) WHERE corrects IS NOT NULL;
    ALTER TABLE user_month ADD COLUMN cache_write_1h_tokens TEXT NOT NULL DEFAULT '0';

    CREATE TABLE balance (
      scope TEXT NOT NULL,
      charge_period TEXT NOT NULL,
      amount_nano_usd INTEGER NOT NULL,
      PRIMARY KEY (scope, charge_period)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO balance SELECT 'fleet', charge_period, sum(amount_nano_usd) FROM usage_cost GROUP BY 2;
    INSERT INTO balance SELECT 'tier:' || tier, charge_period, sum(amount_nano_usd) FROM usage_cost GROUP BY 1, 2;
    INSERT INTO balance SELECT 'provider:' || provider, charge_period, sum(amount_nano_usd) FROM usage_cost
      GROUP BY 1, 2;

    CREATE TABLE closed_month (
      charge_period TEXT PRIMARY KEY,
      closed_at TEXT NOT NULL,
      closed_by TEXT NOT NULL,
      reason TEXT NOT NULL,
      row_count INTEGER NOT NULL,
      amount_nano_usd INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER closed_month_is_never_changed BEFORE UPDATE ON closed_month
      BEGIN SELECT RAISE(ABORT, 'a closed month stays as it is'); END;
    CREATE TRIGGER closed_month_is_never_removed BEFORE DELETE ON closed_month
      BEGIN SELECT RAISE(ABORT, 'a closed month stays closed'); END;

    CREATE TABLE condition (
      scope TEXT NOT NULL,
      kind TEXT NOT NULL,
      since TEXT NOT NULL,
      PRIMARY KEY (scope, kind)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE alert ADD COLUMN notified_at TEXT;
    UPDATE alert SET notified_at = sent_at;
    CREATE INDEX alert_unnotified ON alert (number) WHERE notified_at IS NULL;

    CREATE TABLE role (
      name TEXT PRIMARY KEY,
      holder TEXT NOT NULL,
      until TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE marker (
      number INTEGER PRIMARY KEY,
      epoch TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE replica (
      process TEXT PRIMARY KEY,
      alive_until TEXT NOT NULL,
      passed INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """

  /// A statement is summed from its index alone. Each time that a marker is met it has a number of its own, and none is
  /// used twice, so that only the newest is kept. `lag_ms` is how late a process books.
  private static let statementsAndMarkers = """
    CREATE INDEX usage_cost_billing_period ON usage_cost (billing_period, amount_nano_usd);

    CREATE TABLE met_marker (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      epoch TEXT NOT NULL
    ) STRICT;
    INSERT INTO met_marker (number, epoch) SELECT number, epoch FROM marker;
    DROP TABLE marker;
    ALTER TABLE met_marker RENAME TO marker;
    ALTER TABLE replica ADD COLUMN lag_ms INTEGER NOT NULL DEFAULT 0;
    """
}
