internal import ReleaseHealth
package import Storage

extension SQLiteStore: JobRunStore {
  package func jobRuns() throws(StoreError) -> [JobRun] {
    try readCatalog { (connection) throws(StoreError) in
      let select = try connection.prepare(
        "SELECT name, started, duration_milliseconds, summary, succeeded FROM job ORDER BY name")
      var runs: [JobRun] = []
      while try select.step() {
        runs.append(
          JobRun(
            name: select.text(0), started: Timestamp(milliseconds: select.integer(1)),
            durationMilliseconds: select.integer(2), summary: select.text(3),
            succeeded: select.integer(4) != 0))
      }
      return runs
    }
  }

  package func recordJobRun(_ run: JobRun) throws(StoreError) {
    try ingesting { (writer) throws(StoreError) in
      let upsert = try writer.connection.prepare(
        """
        INSERT OR REPLACE INTO job (name, started, duration_milliseconds, summary, succeeded)
        VALUES (?, ?, ?, ?, ?)
        """)
      upsert.bind(1, run.name)
      upsert.bind(2, run.started.milliseconds)
      upsert.bind(3, run.durationMilliseconds)
      upsert.bind(4, run.summary)
      upsert.bind(5, run.succeeded ? 1 : 0)
      try upsert.run()
    }
  }
}
