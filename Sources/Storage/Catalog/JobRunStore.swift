package import ReleaseHealth

/// The last run of a periodic job.
package struct JobRun: Equatable, Sendable {
  package var name: String
  package var started: Timestamp
  package var durationMilliseconds: Int64
  /// What it did, or why it failed, in a few words.
  package var summary: String
  package var succeeded: Bool

  package init(
    name: String, started: Timestamp, durationMilliseconds: Int64, summary: String, succeeded: Bool
  ) {
    self.name = name
    self.started = started
    self.durationMilliseconds = durationMilliseconds
    self.summary = summary
    self.succeeded = succeeded
  }
}

/// Keeps the last run of each periodic job. Called from any thread; blocks.
package protocol JobRunStore: Sendable {
  /// The periodic jobs that have run, with their last run.
  func jobRuns() throws(StoreError) -> [JobRun]

  func recordJobRun(_ run: JobRun) throws(StoreError)
}
