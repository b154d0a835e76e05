import Access
import Alerting
import ArgumentParser
import Bytes
import FoundationEssentials
import Ingest
import Locks
import Logging
import Metrics
import Outbound
import ReleaseHealth
import SQLiteStorage
import Service
import Storage

struct JobsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "jobs",
    abstract: "List the periodic jobs, or run one now.",
    discussion: """
      Without a subcommand, lists the jobs with their last runs.

        hale jobs
        hale jobs run adoption
      """,
    subcommands: [List.self, Run.self],
    defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the periodic jobs with their last runs.",
      discussion: "  hale jobs list --json"
    )

    @OptionGroup var json: JSONOptions
    @OptionGroup var data: DataOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: data.given))
      let runs = try session.store.jobRuns()
      let names = Jobs.names + runs.map(\.name).filter { !Jobs.names.contains($0) }
      let entries = names.map { name in (name, runs.first { $0.name == name }) }
      try json.printEntries(entries, ["JOB", "LAST RUN", "TOOK", "RESULT", "SUMMARY"]) {
        name, run in
        [
          name, run?.started.readable ?? "-", run.map { "\($0.durationMilliseconds) ms" } ?? "-",
          run.map { $0.succeeded ? "done" : "failed" } ?? "never run", run?.summary ?? "",
        ]
      } members: { name, run in
        guard let run else { return [("name", .string(name)), ("started", .null)] }
        return [
          ("name", .string(name)), ("started", .string(run.started.rfc3339)),
          ("succeeded", .boolean(run.succeeded)), ("summary", .string(run.summary)),
          ("durationMilliseconds", .integer(run.durationMilliseconds)),
        ]
      }
    }
  }

  struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Run a periodic job now.",
      discussion: """
        If a service runs on the data directory, the service runs the job, at the time of its own \
        clock. Otherwise this command runs it on the directory, at the time of --now. Prints a \
        summary, and exits with 1 if the job failed.

          hale jobs run retention
        """)

    @Argument(
      help: "The job: \(Jobs.names.joined(separator: ", ")).",
      completion: .list(Jobs.names))
    var name: String

    @OptionGroup var json: JSONOptions
    @OptionGroup var data: DataOptions

    func run() throws {
      let settings = try Settings(flags: data.given)
      guard FileIdentity(path: settings.dataDirectory) != nil else {
        throw CommandFailure.failed(
          "There is no data directory \(settings.dataDirectory). Name it with --data.")
      }
      let outcome = try runInService(settings) ?? runOnDirectory(settings)
      guard outcome.succeeded || json.isJSON else {
        throw CommandFailure.failed("\(outcome.name) failed: \(outcome.summary)")
      }
      try json.printResult(
        [
          ("name", .string(outcome.name)), ("succeeded", .boolean(outcome.succeeded)),
          ("summary", .string(outcome.summary)),
          ("durationMilliseconds", .integer(outcome.durationMilliseconds)),
        ], "\(outcome.name): \(outcome.summary) (\(outcome.durationMilliseconds) ms)")
      if !outcome.succeeded { throw ExitCode.failure }
    }

    /// - Returns: nil where no service runs.
    private func runInService(_ settings: Settings) throws -> JobOutcome? {
      // The name becomes part of a path, and no job's name has other characters.
      let isName = name.utf8.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "-") }
      guard isName, !name.isEmpty else { throw unknownJob() }
      let service = ControlSocket(dataDirectory: settings.dataDirectory)
      guard let response = try service.send("POST", "/control/jobs/\(name)/run") else { return nil }
      if response.status == 404 { throw CommandFailure.usage(response.detail) }
      guard response.status == 200,
        let outcome = try? JSONDecoder().decode(JobOutcome.self, from: Data(response.body))
      else { throw service.failure(response) }
      if data.now != nil {
        printNotice("The service ran the job at the time of its own clock; --now was ignored.")
      }
      return outcome
    }

    private func runOnDirectory(_ settings: Settings) throws -> JobOutcome {
      guard let job = Jobs.Name(rawValue: name) else { throw unknownJob() }
      // A service that starts meanwhile would not see what the job changes.
      let lock = try DirectoryLock(dataDirectory: settings.dataDirectory, for: .job)
      defer { withExtendedLifetime(lock) {} }
      let run = try runJobOnDirectory(job, settings)
      return JobOutcome(
        name: run.name, succeeded: run.succeeded, summary: run.summary,
        durationMilliseconds: run.durationMilliseconds)
    }

    private func unknownJob() -> CommandFailure {
      .usage(
        "There is no job '\(name)'. The jobs are: \(Jobs.names.joined(separator: ", ")).")
    }
  }
}

/// The response of a service to a request to run a job.
private struct JobOutcome: Decodable {
  let name: String
  let succeeded: Bool
  let summary: String
  let durationMilliseconds: Int64
}

/// Runs a job once on a directory that no service runs on; it is locked. A job that fails is a
/// result that says so; an error is thrown where it could not even begin.
private func runJobOnDirectory(_ name: Jobs.Name, _ settings: Settings) throws -> JobRun {
  let now = try SystemClock(settings.now).now()
  let store = try openStore(
    dataDirectory: settings.dataDirectory, retentionDays: settings.retentionDays)
  let clock = WallClock { now }
  let metrics = Metrics(monotonicNanoseconds: SystemClock.monotonicNanoseconds)
  let queue = IngestQueue(store: store, writes: store.writes)
  let catalog = try CatalogCache(store)
  let log = Logger(label: "hale", factory: { _ in SwiftLogNoOpLogHandler() })
  let jobs = Jobs(
    ServiceDependencies(
      store: store, records: store, catalog: catalog, clock: clock, queue: queue,
      workers: Workers(),
      notices: NoticeSender(
        store: store, settings.notices, catalog: catalog, clock: clock, webURL: nil,
        version: queue.version, log: log),
      log: log, retentionDays: settings.retentionDays, metrics: metrics))
  let run = jobs.runToEnd(name)
  try store.close()
  return run
}
