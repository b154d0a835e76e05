package import Storage

extension SQLiteStore: JobRunStore {
  package func jobRuns() throws(StoreError) -> [JobRun] {
    try readCatalog { (connection) throws(StoreError) in
      try connection.rows(
        "SELECT name, started, duration_milliseconds, summary, succeeded FROM job ORDER BY name"
      ) {
        JobRun(
          name: $0.text(0), started: $0.time(1), durationMilliseconds: $0.integer(2),
          summary: $0.text(3), succeeded: $0.integer(4) != 0)
      }
    }
  }

  package func recordJobRun(_ run: JobRun) throws(StoreError) {
    try commit { (connection) throws(StoreError) in
      try connection.run(
        """
        INSERT OR REPLACE INTO job (name, started, duration_milliseconds, summary, succeeded)
        VALUES (?, ?, ?, ?, ?)
        """,
        [run.name, run.started, run.durationMilliseconds, run.summary, run.succeeded ? 1 : 0])
    }
  }
}
