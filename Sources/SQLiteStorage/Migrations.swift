internal import Storage

/// Brings databases of older schema versions forward.
enum Migrations {
  /// What makes each version out of the one before.
  private static let steps: [(version: Int64, sql: String)] = [
    (
      2,
      """
      ALTER TABLE user_hour ADD COLUMN final INTEGER NOT NULL DEFAULT 0 CHECK (final IN (0, 1));
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
    (
      3,
      """
      ALTER TABLE arrival ADD COLUMN anonymous_healthy INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE arrival ADD COLUMN anonymous_errored INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE arrival ADD COLUMN anonymous_unhandled INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE arrival ADD COLUMN anonymous_abnormal INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE arrival ADD COLUMN anonymous_crashed INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE arrival ADD COLUMN repeated INTEGER NOT NULL DEFAULT 0;
      -- Version 2 knew neither for what it logged: explanations begin behind it.
      INSERT INTO setting (name, value)
        SELECT 'arrivals_unsplit', step FROM arrival ORDER BY step DESC LIMIT 1;
      """
    ),
  ]

  /// Runs the steps that the database lacks, all of them or none.
  static func run(_ connection: Connection) throws(StoreError) {
    guard try connection.number("PRAGMA user_version") != Database.schemaVersion else { return }
    try connection.transaction { () throws(StoreError) in
      // Another process may have been first.
      let version = try connection.number("PRAGMA user_version") ?? 0
      for step in steps where step.version > version { try connection.execute(step.sql) }
      try connection.execute("PRAGMA user_version = \(Database.schemaVersion)")
    }
  }
}
