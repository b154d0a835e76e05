import Bytes
import ArgumentParser
import FoundationEssentials
import Outbound
import ReleaseHealth
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
      var rows: [[String]] = []
      for name in names {
        let run = runs.first { $0.name == name }
        if json.isJSON {
          try printLine(jsonLine(Self.members(name, run)))
        } else {
          rows.append([
            name, run?.started.readable ?? "-", run.map { "\($0.durationMilliseconds) ms" } ?? "-",
            run.map { $0.succeeded ? "done" : "failed" } ?? "never run", run?.summary ?? "",
          ])
        }
      }
      if !json.isJSON {
        try printColumns(["JOB", "LAST RUN", "TOOK", "RESULT", "SUMMARY"], rows)
      }
    }

    private static func members(
      _ name: String, _ run: JobRun?
    ) -> [(name: String, value: JSONValue)] {
      guard let run else { return [("name", .string(name)), ("started", .null)] }
      return [
        ("name", .string(name)), ("started", .string(run.started.rfc3339)),
        ("succeeded", .boolean(run.succeeded)), ("summary", .string(run.summary)),
        ("durationMilliseconds", .integer(run.durationMilliseconds)),
      ]
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
      if json.isJSON {
        try printLine(
          jsonLine([
            ("name", .string(outcome.name)), ("succeeded", .boolean(outcome.succeeded)),
            ("summary", .string(outcome.summary)),
            ("durationMilliseconds", .integer(outcome.durationMilliseconds)),
          ]))
        if !outcome.succeeded { throw ExitCode.failure }
        return
      }
      guard outcome.succeeded else {
        throw CommandFailure.failed("\(outcome.name) failed: \(outcome.summary)")
      }
      try printLine("\(outcome.name): \(outcome.summary) (\(outcome.durationMilliseconds) ms)")
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
      else {
        throw CommandFailure.failed(
          "The service on \(settings.dataDirectory) answered \(response.status): "
            + response.detail)
      }
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
      let run = try runJobOnDirectory(
        job, dataDirectory: settings.dataDirectory, retentionDays: settings.retentionDays,
        notices: settings.notices, now: SystemClock(settings.now).now())
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
