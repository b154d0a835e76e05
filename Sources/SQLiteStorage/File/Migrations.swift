internal import Storage

/// Migrates databases of older schema versions.
enum Migrations {
  private struct Step: Sendable {
    var version: Int64
    var sql: String
    /// The conversion that SQL alone cannot do; runs after the SQL.
    var convert: @Sendable (Connection) throws(StoreError) -> Void = { _ in }
  }

  /// The step from each version to the next.
  private static let steps = [
    Step(
      version: 2,
      sql: """
        ALTER TABLE user_hour ADD COLUMN final INTEGER NOT NULL DEFAULT 0 CHECK (final IN (0, 1));
        -- Version 1 dropped minutes and did not say so: sets of hours without any cannot be built
        -- again, nor those of the oldest one that has some, of which a part may be gone.
        UPDATE user_hour SET final = 1
          WHERE hour = (SELECT min(hour) FROM user_minute) OR NOT EXISTS (
            SELECT 1 FROM user_minute AS each
            WHERE each.hour = user_hour.hour AND each.scope = user_hour.scope);
        -- Version 1 did not write down how far it had dropped states and minutes: nothing that it
        -- counted is computed again.
        INSERT INTO setting (name, value)
          SELECT 'states_dropped', (day + 1) * 86400000 FROM session_day ORDER BY day DESC LIMIT 1;
        INSERT INTO setting (name, value)
          SELECT 'minutes_dropped', (day + 1) * 24 FROM session_day ORDER BY day DESC LIMIT 1;
        INSERT INTO setting (name, value)
          SELECT 'arrivals_dropped', step FROM arrival ORDER BY step DESC LIMIT 1;
        """
    ),
    Step(
      version: 3,
      sql: """
        CREATE TABLE pending (
          slot INTEGER PRIMARY KEY,
          content BLOB NOT NULL
        ) STRICT;
        INSERT INTO setting (name, value) VALUES ('folded_batches', 0);
        ALTER TABLE user_minute RENAME TO user_minute_rows;
        CREATE TABLE user_minute (
          hour INTEGER NOT NULL,
          scope INTEGER NOT NULL,
          minute INTEGER NOT NULL,
          part INTEGER NOT NULL,
          changes BLOB NOT NULL,
          PRIMARY KEY (hour, scope, minute, part)
        ) STRICT, WITHOUT ROWID;
        ALTER TABLE arrival ADD COLUMN anonymous_healthy INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE arrival ADD COLUMN anonymous_errored INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE arrival ADD COLUMN anonymous_unhandled INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE arrival ADD COLUMN anonymous_abnormal INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE arrival ADD COLUMN anonymous_crashed INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE arrival ADD COLUMN repeated INTEGER NOT NULL DEFAULT 0;
        -- Version 2 knew neither for what it logged: explanations begin behind it.
        INSERT INTO setting (name, value)
          SELECT 'arrivals_unsplit', step FROM arrival ORDER BY step DESC LIMIT 1;
        """,
      convert: packUserMinutes),
    Step(
      version: 4,
      sql: """
        CREATE TABLE user_environment_day (
          project INTEGER NOT NULL,
          environment INTEGER NOT NULL,
          day INTEGER NOT NULL,
          sets BLOB,
          PRIMARY KEY (project, environment, day)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX user_environment_day_unbuilt ON user_environment_day (day) WHERE sets IS NULL;
        CREATE TRIGGER user_day_open_inserted AFTER INSERT ON user_day_open BEGIN
          UPDATE user_environment_day SET sets = NULL
            WHERE day = NEW.day AND (project, environment) = (
              SELECT project, environment FROM scope WHERE id = NEW.scope);
          INSERT OR IGNORE INTO user_environment_day (project, environment, day, sets)
            SELECT project, environment, NEW.day, NULL FROM scope WHERE id = NEW.scope;
        END;
        CREATE TRIGGER user_day_deleted AFTER DELETE ON user_day BEGIN
          UPDATE user_environment_day SET sets = NULL
            WHERE day = OLD.day AND (project, environment) = (
              SELECT project, environment FROM scope WHERE id = OLD.scope);
          INSERT OR IGNORE INTO user_environment_day (project, environment, day, sets)
            SELECT project, environment, OLD.day, NULL FROM scope WHERE id = OLD.scope;
        END;
        CREATE TABLE objective (
          project INTEGER PRIMARY KEY REFERENCES project (id),
          measure TEXT NOT NULL CHECK (measure IN ('crash_free_sessions', 'crash_free_users')),
          target INTEGER NOT NULL CHECK (target > 0 AND target < 1000000),
          days INTEGER NOT NULL CHECK (days BETWEEN 1 AND 90),
          created INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE notice_channel (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          organization INTEGER NOT NULL REFERENCES organization (id),
          name TEXT NOT NULL,
          kind TEXT NOT NULL CHECK (kind IN ('webhook', 'slack', 'discord', 'email', 'command')),
          settings TEXT NOT NULL,
          created INTEGER NOT NULL,
          UNIQUE (organization, name)
        ) STRICT;
        CREATE TABLE notice (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          channel INTEGER NOT NULL REFERENCES notice_channel (id),
          key TEXT NOT NULL,
          action TEXT NOT NULL CHECK (action IN ('critical', 'warning', 'resolved', 'test')),
          title TEXT NOT NULL,
          text TEXT NOT NULL,
          web_url TEXT,
          subject TEXT NOT NULL,
          created INTEGER NOT NULL,
          attempts INTEGER NOT NULL DEFAULT 0,
          next_attempt INTEGER,
          delivered INTEGER,
          failure TEXT,
          UNIQUE (channel, key)
        ) STRICT;
        CREATE INDEX notice_due ON notice (next_attempt) WHERE next_attempt IS NOT NULL;
        CREATE INDEX notice_waiting ON notice (channel, id) WHERE next_attempt IS NOT NULL;
        CREATE TABLE alert_rule (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          organization INTEGER NOT NULL REFERENCES organization (id),
          name TEXT NOT NULL,
          declared INTEGER NOT NULL CHECK (declared IN (0, 1)),
          created INTEGER NOT NULL,
          modified INTEGER NOT NULL,
          asked INTEGER NOT NULL,
          muted_until INTEGER,
          measure TEXT NOT NULL,
          environment TEXT,
          release TEXT,
          window_minutes INTEGER NOT NULL CHECK (window_minutes > 0),
          comparison TEXT CHECK (comparison IN ('previousRelease', 'previousWeek')),
          above INTEGER NOT NULL CHECK (above IN (0, 1)),
          critical REAL NOT NULL,
          warning REAL,
          resolve REAL,
          sessions_min INTEGER NOT NULL,
          period INTEGER NOT NULL CHECK (period > 0),
          level INTEGER NOT NULL DEFAULT 0 CHECK (level BETWEEN 0 AND 2),
          alarming_run INTEGER NOT NULL DEFAULT 0,
          critical_run INTEGER NOT NULL DEFAULT 0,
          eased_run INTEGER NOT NULL DEFAULT 0,
          resolved_run INTEGER NOT NULL DEFAULT 0,
          evaluated INTEGER,
          value REAL,
          sessions INTEGER,
          incident INTEGER,
          UNIQUE (organization, name)
        ) STRICT;
        CREATE TABLE alert_rule_project (
          rule INTEGER NOT NULL REFERENCES alert_rule (id) ON DELETE CASCADE,
          project INTEGER NOT NULL REFERENCES project (id),
          PRIMARY KEY (rule, project)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE alert_rule_channel (
          rule INTEGER NOT NULL REFERENCES alert_rule (id) ON DELETE CASCADE,
          level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 2),
          position INTEGER NOT NULL,
          name TEXT NOT NULL,
          PRIMARY KEY (rule, level, position)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE alert_incident (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          rule INTEGER NOT NULL REFERENCES alert_rule (id) ON DELETE CASCADE,
          opened INTEGER NOT NULL,
          closed INTEGER,
          status INTEGER NOT NULL CHECK (status IN (2, 10, 20)),
          reached INTEGER NOT NULL CHECK (reached BETWEEN 1 AND 3),
          transitions INTEGER NOT NULL,
          value REAL
        ) STRICT;
        CREATE INDEX alert_incident_rule ON alert_incident (rule);
        CREATE TABLE alert_evaluation (
          rule INTEGER NOT NULL,
          minute INTEGER NOT NULL,
          value REAL,
          sessions INTEGER NOT NULL,
          level INTEGER NOT NULL,
          PRIMARY KEY (rule, minute)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO user_environment_day (project, environment, day)
          SELECT DISTINCT project, environment, day FROM user_day JOIN scope ON scope.id = scope
          UNION
          SELECT DISTINCT project, environment, day FROM user_day_open JOIN scope ON scope.id = scope;
        ALTER TABLE arrival ADD COLUMN without_initial INTEGER NOT NULL DEFAULT 0;
        -- Of the sessions that can still change: the first update of each may come yet.
        INSERT INTO arrival (
            step, scope, hour, healthy, errored, unhandled, abnormal, crashed, without_initial)
          SELECT coalesce(earliest, started) / 3600000 * 6, scope,
            coalesce(earliest, started) / 3600000, 0, 0, 0, 0, 0, count(*)
          FROM session WHERE flags & 64 = 0 GROUP BY 1, 2
          ON CONFLICT DO UPDATE SET without_initial = excluded.without_initial;
        """),
    Step(
      version: 5,
      sql: """
        CREATE TABLE alert_transition (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          rule INTEGER NOT NULL,
          organization INTEGER NOT NULL,
          name TEXT NOT NULL,
          rule_created INTEGER NOT NULL,
          rule_modified INTEGER NOT NULL,
          measure TEXT NOT NULL,
          environment TEXT,
          release TEXT,
          window_minutes INTEGER NOT NULL,
          comparison TEXT,
          above INTEGER NOT NULL,
          critical REAL NOT NULL,
          warning REAL,
          resolve REAL,
          sessions_min INTEGER NOT NULL,
          period INTEGER NOT NULL,
          projects TEXT NOT NULL,
          before INTEGER NOT NULL CHECK (before BETWEEN 0 AND 2),
          incident INTEGER NOT NULL,
          opened INTEGER NOT NULL,
          closed INTEGER,
          status INTEGER NOT NULL CHECK (status IN (2, 10, 20)),
          reached INTEGER NOT NULL CHECK (reached BETWEEN 1 AND 3),
          transitions INTEGER NOT NULL,
          time INTEGER NOT NULL,
          value REAL,
          sessions INTEGER NOT NULL,
          observed_release TEXT,
          base_release TEXT,
          ending TEXT CHECK (ending IN ('rule_changed', 'rule_deleted')),
          channels TEXT NOT NULL
        ) STRICT;
        """),
    Step(
      version: 6,
      // The users that a session had beyond its limit were never stored: those that it keeps stay.
      sql: """
        ALTER TABLE alert_rule ADD COLUMN observed_release TEXT;
        CREATE INDEX user_id ON user (id);
        """),
    Step(
      version: 7,
      sql:
        "ALTER TABLE project ADD COLUMN bad TEXT CHECK (bad IN ('crashed', 'crashed+unhandled'));"
    ),
    Step(
      version: 8,
      sql: """
        CREATE TABLE deploy (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          release INTEGER NOT NULL REFERENCES release (id) ON DELETE CASCADE,
          environment INTEGER NOT NULL REFERENCES environment (id),
          name TEXT,
          url TEXT,
          started INTEGER,
          finished INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX deploy_release ON deploy (release, environment);
        CREATE TABLE deploy_project (
          deploy INTEGER NOT NULL REFERENCES deploy (id) ON DELETE CASCADE,
          project INTEGER NOT NULL REFERENCES project (id) ON DELETE CASCADE,
          PRIMARY KEY (deploy, project)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER deploy_project_deleted AFTER DELETE ON deploy_project BEGIN
          DELETE FROM deploy WHERE id = OLD.deploy
            AND NOT EXISTS (SELECT 1 FROM deploy_project WHERE deploy = OLD.deploy);
        END;
        """),
    Step(
      version: 9,
      sql: """
        ALTER TABLE project ADD COLUMN sessions_per_minute INTEGER CHECK (sessions_per_minute > 0);
        ALTER TABLE project ADD COLUMN sessions_per_day INTEGER CHECK (sessions_per_day > 0);
        ALTER TABLE project ADD COLUMN requests_per_minute INTEGER CHECK (requests_per_minute > 0);
        ALTER TABLE project_key ADD COLUMN sessions_per_minute INTEGER CHECK (sessions_per_minute > 0);
        ALTER TABLE project_key ADD COLUMN sessions_per_day INTEGER CHECK (sessions_per_day > 0);
        ALTER TABLE project_key ADD COLUMN requests_per_minute INTEGER CHECK (requests_per_minute > 0);
        CREATE TABLE session_use (
          project INTEGER NOT NULL REFERENCES project (id),
          public_key TEXT NOT NULL,
          minute INTEGER NOT NULL,
          minute_sessions INTEGER NOT NULL,
          day INTEGER NOT NULL,
          day_sessions INTEGER NOT NULL,
          PRIMARY KEY (project, public_key)
        ) STRICT, WITHOUT ROWID;
        """),
  ]

  /// Packs the rows of version 2, which had one for each minute, kind and user.
  @Sendable private static func packUserMinutes(_ connection: Connection) throws(StoreError) {
    let rows = try connection.prepare(
      """
      SELECT hour, scope, minute, kind, user, sessions FROM user_minute_rows
      ORDER BY hour, scope, minute, kind, user
      """)
    let insert = try connection.prepare(
      "INSERT INTO user_minute (hour, scope, minute, part, changes) VALUES (?, ?, ?, 0, ?)")
    var place: [Int64] = []
    var changes: [UserChanges.Change] = []
    func save() throws(StoreError) {
      if changes.isEmpty { return }
      try insert.run(place + [UserChanges(changes).packed])
      changes = []
    }
    while try rows.step() {
      let next = (0..<3).map { rows.integer($0) }
      if next != place { try save() }
      place = next
      guard let kind = UserKind(rawValue: Int(rows.integer(3))) else { continue }
      let user = UInt32(truncatingIfNeeded: rows.integer(4))
      changes.append((UserChanges.Key(kind: kind, user: user), rows.integer(5)))
    }
    try save()
    try connection.execute("DROP TABLE user_minute_rows")
  }

  /// Runs the missing steps, all of them or none.
  static func run(_ connection: Connection) throws(StoreError) {
    guard try connection.number("PRAGMA user_version") != Database.schemaVersion else { return }
    try connection.transaction { () throws(StoreError) in
      // Another process may have migrated the file already.
      let version = try connection.number("PRAGMA user_version") ?? 0
      for step in steps where step.version > version {
        try connection.execute(step.sql)
        try step.convert(connection)
      }
      try connection.execute("PRAGMA user_version = \(Database.schemaVersion)")
    }
  }
}
