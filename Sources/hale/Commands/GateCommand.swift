import Bytes
import ArgumentParser
import Glibc
import ReleaseHealth

struct GateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate",
    abstract: "Check whether a release is healthy enough to roll out further.",
    discussion: """
      For CI and staged roll-outs. Compares the crash-free sessions of a release with those of a \
      baseline at the same age, and with a limit if one is given. Where the project calls \
      unhandled errors bad, too, both are about failure-free sessions: neither crashed nor \
      unhandled. Repeated checks do not make a wrong verdict more likely.

        hale gate --release shop@2.1.0 --url http://hale:8787 --wait 30m
        hale gate --release shop@2.1.0 --crash-free-sessions 99.5 --max-drop 0.1

      Without --url it queries the service that runs on the data directory. The token for --url is \
      read from HALE_TOKEN or SENTRY_AUTH_TOKEN.

      Exit status: 0 green, 1 red, 2 not decided yet, 3 the query failed, 64 wrong usage.
      """)

  @Option(
    help: .of("version", "The release to check; latest means the latest one of the last 24 hours."))
  var release: String

  @Option(
    help: .of(
      "version",
      "The release to compare with; previous means the one with the most sessions before, latest "
        + "the latest one besides the release."))
  var baseline = "previous"

  @Option(
    help: .of(
      "statuses",
      "What makes a session bad: \(BadStatuses.rule). The default is what the project says."))
  var bad: String?

  // Negative numbers are read, so that the error can say that they must not be negative.
  @Option(
    parsing: .unconditional,
    help: .of(
      "percent", "The lowest acceptable share of crash-free (or failure-free) sessions."))
  var crashFreeSessions: Double?

  @Option(
    parsing: .unconditional,
    help: .of(
      "points",
      "The largest acceptable drop of crash-free (or failure-free) sessions below the baseline."))
  var maxDrop = 0.2

  @Option(
    parsing: .unconditional, help: .of("n", "The sessions below which the verdict stays open."))
  var minSessions: Int64 = 100

  @Option(
    parsing: .unconditional,
    help: .of("percent", "The confidence of green and red, over all checks together."))
  var confidence = 95.0

  @Option(
    help: .of("time", "Check again until green or red, for at most this time, for example 30m."))
  var wait: String?

  @Option(help: .of("project", "Only sessions of this project, by slug or id; may be repeated."))
  var project: [String] = []

  @Option(help: .of("name", "Only sessions of this environment; may be repeated."))
  var environment: [String] = []

  @Option(help: .of("url", "The service to query, for example http://hale:8787."))
  var url: String?

  @Option(help: .of("token", "The API token for --url."))
  var token: String?

  @OptionGroup var organization: OrganizationOptions
  @Flag(name: .customLong("json"), help: "Print the response of the service as JSON.")
  var isJSON = false
  @OptionGroup var data: DataOptions

  func validate() throws {
    func require(_ isValid: Bool, _ rule: String) throws {
      if !isValid { throw ValidationError(rule) }
    }
    try require(!release.isEmpty, "--release takes the name of a release.")
    if let crashFreeSessions {
      try require(
        (0...100).contains(crashFreeSessions),
        "--crash-free-sessions takes a percentage from 0 to 100.")
      try require(
        crashFreeSessions == 0 || crashFreeSessions > 1,
        "--crash-free-sessions is \(crashFreeSessions), but it takes a percentage like 99.5.")
    }
    if let bad {
      try require(
        BadStatuses(name: bad) != nil, "--bad is '\(bad)', but it takes \(BadStatuses.rule).")
    }
    try require(
      maxDrop >= 0,
      "--max-drop is \(maxDrop), but it must not be negative: it takes a number from 0 to 90.")
    try require(maxDrop <= 90, "--max-drop takes a number from 0 to 90.")
    try require(
      (0...1_000_000_000).contains(minSessions),
      "--min-sessions takes a number from 0 to 1000000000.")
    try require(
      (50...99.99).contains(confidence), "--confidence takes a percentage from 50 to 99.99.")
    _ = try waitMilliseconds()
  }

  func run() throws {
    do {
      let service = try GateService(self)
      let (answer, text) = try poll(service)
      if isJSON {
        try printLine(text.visibleJSON)
      } else {
        try print(answer)
      }
      switch answer.verdict {
      case "green": return
      case "red": throw ExitCode(1)
      default: throw ExitCode(2)
      }
    } catch let error as Missing {
      try printLine("NOT DECIDED YET: \(error.message)")
      throw ExitCode(2)
    } catch {
      // Status 1 means red here, so that a failed query has another one.
      guard let failure = CommandFailure(error), failure.exitStatus == 1 else { throw error }
      throw CommandFailure(message: failure.message, exitStatus: 3)
    }
  }

  /// The release did not appear while --wait lasted.
  private struct Missing: Error {
    let message: String
  }

  /// Polls until there is a verdict or the time is over, of the releases that the first answer
  /// names.
  private func poll(_ service: GateService) throws -> (GateReport, text: String) {
    let deadline = SystemClock.monotonicMilliseconds() + (try waitMilliseconds())
    var lastReason = ""
    var (release, baseline) = (release, baseline)
    while true {
      let outcome = try service.query(target(release, against: baseline))
      let left = deadline - SystemClock.monotonicMilliseconds()
      let reason: String
      switch outcome {
      case .report(let report, let text):
        if bad != nil, report.bad == nil {
          throw CommandFailure.failed("The service is too old for --bad: it judges by crashes.")
        }
        // A release that appears meanwhile is not the one that the roll-out is about.
        if release == Self.latest {
          release = report.candidate.release
          if wait != nil { printNotice("The latest release is \(release).") }
        }
        if baseline == Self.latest { baseline = report.baseline?.release ?? baseline }
        if report.verdict != "unknown" || left <= 0 { return (report, text) }
        reason = report.reason
      case .missing(let message):
        // With --wait the release may still appear.
        if left <= 0 {
          throw wait == nil ? CommandFailure.failed(message) : Missing(message: message)
        }
        reason = message
      case .unreachable(let message):
        if left <= 0 { throw CommandFailure.failed(message) }
        reason = message
      }
      if reason != lastReason { printNotice("Waiting: \(reason)") }
      lastReason = reason
      usleep(UInt32(min(left, Self.pauseMilliseconds) * 1000))
    }
  }

  /// The pause between two checks; numbers change about once a minute, and a check is cheap.
  private static let pauseMilliseconds: Int64 = 5000

  private func waitMilliseconds() throws -> Int64 {
    guard let wait else { return 0 }
    let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000]
    guard let unit = wait.last.flatMap({ units[$0] }), let number = Int64(wait.dropLast()),
      (0...10_000).contains(number)
    else { throw ValidationError("--wait is '\(wait)', but it takes a time like 90s, 30m or 2h.") }
    return number * unit
  }

  private static let latest = "latest"

  /// The path and query of the request, after `/api/0/`.
  private func target(_ release: String, against baseline: String) -> String {
    var items = [
      ("baseline", baseline), ("maxDrop", "\(maxDrop)"), ("minSessions", "\(minSessions)"),
      ("confidence", "\(confidence)"),
    ]
    if let bad { items.append(("bad", bad)) }
    if let crashFreeSessions { items.append(("crashFreeSessions", "\(crashFreeSessions)")) }
    items += project.map { ("project", $0) } + environment.map { ("environment", $0) }
    let query = items.map { "\($0.0)=\(percentEncoded($0.1))" }.joined(separator: "&")
    return "organizations/\(percentEncoded(organization.slug ?? "default"))/releases/"
      + "\(percentEncoded(release))/gate/?\(query)"
  }

  private func print(_ answer: GateReport) throws {
    let verdicts = ["green": "GREEN", "red": "RED"]
    try printLine("\(verdicts[answer.verdict] ?? "NOT DECIDED YET"): \(answer.reason)")
    let bad = answer.bad.flatMap { BadStatuses(name: $0) } ?? .crashed
    let isCrashed = bad == .crashed
    let rows = [answer.candidate, answer.baseline].compactMap(\.self).map { side in
      [
        side.release, "\(side.sessions)", "\(isCrashed ? side.crashed : side.failed ?? 0)",
        percentText(isCrashed ? side.crashFreeSessions : side.failureFreeSessions),
        percentText(side.corrected?.value),
      ]
    }
    let names = isCrashed ? ["CRASHED", "CRASH-FREE"] : ["FAILED", "FAILURE-FREE"]
    try printColumns(["RELEASE", "SESSIONS"] + names + ["ESTIMATED"], rows)
    var note = Self.ageText(answer)
    for side in [answer.candidate, answer.baseline].compactMap(\.self) where side.known == "now" {
      note += "; \(side.release) as known now, since its first hours are older than the arrival log"
    }
    if answer.reportingDelay.isLearnt, !note.isEmpty {
      let known = Int((answer.reportingDelay.knownShare * 100).rounded())
      note +=
        "; about \(known) % of their \(isCrashed ? "crashes" : "failures") are reported by then"
    }
    try printLine("\(note.isEmpty ? "" : note + ". ")Bad are sessions that are \(bad.words).")
    try printUsers(answer, isCrashed: isCrashed)
    if let hint = answer.hint { try printLine("Hint: \(hint)") }
  }

  /// Which hours the table is about; empty where no release in it has begun.
  private static func ageText(_ answer: GateReport) -> String {
    let hours = answer.ageHours == 1 ? "hour" : "\(answer.ageHours) hours"
    let isToCome = answer.candidate.sessions == 0 && answer.candidate.now?.sessions ?? 0 == 0
    guard let baseline = answer.baseline else {
      return isToCome ? "" : "In the first \(hours), as known at that age"
    }
    let whose = isToCome ? baseline.release : "each"
    return "In the first \(hours) of \(whose), as known at that age"
  }

  /// Users are known only as of now: they stand beside the sessions of the same moment.
  private func printUsers(_ answer: GateReport, isCrashed: Bool) throws {
    let rows = [answer.candidate, answer.baseline].compactMap { side in
      side?.now.map { now in
        [
          side?.release ?? "", "\(now.sessions)", "\(isCrashed ? now.crashed : now.failed)",
          "\(now.users)", "\(isCrashed ? now.crashedUsers : now.failedUsers)",
        ]
      }
    }
    guard [answer.candidate, answer.baseline].contains(where: { ($0?.now?.users ?? 0) > 0 })
    else { return }
    let word = isCrashed ? "CRASHED" : "FAILED"
    try printColumns(["RELEASE", "SESSIONS", word, "USERS", "\(word) USERS"], rows)
    let time = answer.asOf.flatMap { RFC3339.parse($0)?.readable } ?? "now"
    try printLine("The same hours, as known at \(time).")
  }
}

/// The percentage with three digits, truncated: 99.9996 % is not 100 %. The added amount is above
/// the product's rounding error and below the share of one session in a hundred million.
private func percentText(_ share: Double?) -> String {
  guard let share else { return "-" }
  let thousandths = Int64(share * 100_000 + 1e-6)
  let digits = String(thousandths % 1000)
  return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - digits.count) + digits + " %"
}
