import Bytes
import ArgumentParser
import Glibc
import HTTP

struct GateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate",
    abstract: "Ask whether a release is healthy enough to go on with.",
    discussion: """
      For CI and staged roll-outs. Compares the crash-free sessions of a release with those that \
      another had at the same age, and with a limit where one is given. It may be asked as often as \
      one likes: looking again and again makes a wrong answer no likelier.

        hale gate --release shop@2.1.0 --url http://hale:8787 --wait 30m
        hale gate --release shop@2.1.0 --crash-free-sessions 99.5 --max-drop 0.1

      Without --url it asks the service that runs on the data directory. The token for --url is \
      taken from HALE_TOKEN or SENTRY_AUTH_TOKEN.

      Exit status: 0 green, 1 red, 2 cannot tell yet, 3 the question failed, 64 wrong usage.
      """)

  @Option(help: ArgumentHelp("The release that is judged.", valueName: "version"))
  var release: String

  @Option(
    help: ArgumentHelp(
      "The release to compare with; previous is the one with the most sessions before.",
      valueName: "version"))
  var baseline = "previous"

  @Option(help: ArgumentHelp("So many sessions have to be crash-free.", valueName: "percent"))
  var crashFreeSessions: Double?

  @Option(
    help: ArgumentHelp(
      "So far below the baseline's crash-free sessions may be.", valueName: "points"))
  var maxDrop = 0.2

  @Option(help: ArgumentHelp("With fewer sessions nothing is told.", valueName: "n"))
  var minSessions: Int64 = 100

  @Option(
    help: ArgumentHelp(
      "How sure green and red are, however often one looks.", valueName: "percent"))
  var confidence = 95.0

  @Option(
    help: ArgumentHelp(
      "Ask again until it is green or red, at most so long, for example 30m.", valueName: "time"))
  var wait: String?

  @Option(
    help: ArgumentHelp("Sessions of this project alone, by slug or id.", valueName: "project"))
  var project: String?

  @Option(help: ArgumentHelp("Sessions of this environment alone.", valueName: "name"))
  var environment: String?

  @Option(
    help: ArgumentHelp("Ask the service here, for example http://hale:8787.", valueName: "url"))
  var url: String?

  @Option(help: ArgumentHelp("The API token for --url.", valueName: "token"))
  var token: String?

  @OptionGroup var organization: OrganizationOptions
  @Flag(name: .customLong("json"), help: "Print the service's whole answer as JSON.")
  var isJSON = false
  @OptionGroup var data: DataOptions

  func validate() throws {
    guard !release.isEmpty else { throw ValidationError("--release names a release.") }
    if let crashFreeSessions, !(0...100).contains(crashFreeSessions) {
      throw ValidationError("--crash-free-sessions takes 0 to 100.")
    }
    if let crashFreeSessions, 0 < crashFreeSessions, crashFreeSessions <= 1 {
      throw ValidationError(
        "--crash-free-sessions is \(crashFreeSessions), but it takes a percentage like 99.5.")
    }
    guard (0...90).contains(maxDrop) else { throw ValidationError("--max-drop takes 0 to 90.") }
    guard (0...1_000_000_000).contains(minSessions) else {
      throw ValidationError("--min-sessions takes 0 to a thousand million.")
    }
    guard (50...99.99).contains(confidence) else {
      throw ValidationError("--confidence takes 50 to 99.99.")
    }
    guard try waitMilliseconds() >= 0 else { throw ValidationError("--wait takes a time.") }
  }

  func run() throws {
    do {
      let service = try GateService(self)
      let answer = try ask(service)
      if isJSON {
        try printLine(answer.text)
      } else {
        try print(answer)
      }
      switch answer.verdict {
      case "green": return
      case "red": throw ExitCode(1)
      default: throw ExitCode(2)
      }
    } catch let error as NotThere {
      try printLine("CANNOT TELL YET: \(error.message)")
      throw ExitCode(2)
    } catch {
      // Red has the status of a failure elsewhere: a question that fails is told apart.
      guard let failure = CommandFailure(error), failure.exitStatus == 1 else { throw error }
      throw CommandFailure(message: failure.message, exitStatus: 3)
    }
  }

  /// The release that was waited for has not come.
  private struct NotThere: Error {
    let message: String

    init(_ message: String) {
      self.message = message
    }
  }

  /// Asks until there is a verdict or the time is over.
  private func ask(_ service: GateService) throws -> GateReport {
    let deadline = SystemClock.monotonicMilliseconds() + (try waitMilliseconds())
    var told = ""
    while true {
      let outcome = try service.ask(target)
      let left = deadline - SystemClock.monotonicMilliseconds()
      let reason: String
      switch outcome {
      case .told(let report):
        if report.verdict != "unknown" || left <= 0 { return report }
        reason = report.reason
      case .notThere(let message):
        // Who waits knows that it is to come.
        if left <= 0 { throw wait == nil ? CommandFailure.failed(message) : NotThere(message) }
        reason = message
      case .unreachable(let message):
        if left <= 0 { throw CommandFailure.failed(message) }
        reason = message
      }
      if reason != told { printNotice("Waiting: \(reason)") }
      told = reason
      usleep(UInt32(min(left, Self.pauseMilliseconds) * 1000))
    }
  }

  /// Numbers move by the minute, and asking costs little.
  private static let pauseMilliseconds: Int64 = 5000

  private func waitMilliseconds() throws -> Int64 {
    guard let wait else { return 0 }
    let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000]
    guard let unit = wait.last.flatMap({ units[$0] }), let number = Int64(wait.dropLast()),
      (0...10_000).contains(number)
    else { throw ValidationError("--wait is '\(wait)', but it takes a time like 90s, 30m or 2h.") }
    return number * unit
  }

  /// What stands behind `/api/0/`.
  private var target: String {
    var items = [
      ("baseline", baseline), ("maxDrop", "\(maxDrop)"), ("minSessions", "\(minSessions)"),
      ("confidence", "\(confidence)"),
    ]
    if let crashFreeSessions { items.append(("crashFreeSessions", "\(crashFreeSessions)")) }
    if let project { items.append(("project", project)) }
    if let environment { items.append(("environment", environment)) }
    let query = items.map { "\($0.0)=\(percentEncoded($0.1))" }.joined(separator: "&")
    return "organizations/\(percentEncoded(organization.slug ?? "default"))/releases/"
      + "\(percentEncoded(release))/gate/?\(query)"
  }

  private func print(_ answer: GateReport) throws {
    let words = ["green": "GREEN", "red": "RED"]
    try printLine("\(words[answer.verdict] ?? "CANNOT TELL YET"): \(answer.reason)")
    var rows: [[String]] = []
    for side in [answer.candidate, answer.baseline].compactMap(\.self) {
      rows.append([
        side.release, "\(side.sessions)", "\(side.crashed)", "\(side.crashedUsers)",
        percentText(side.crashFreeSessions), side.corrected.map { percentText($0.value) } ?? "-",
      ])
    }
    try printColumns(
      ["RELEASE", "SESSIONS", "CRASHED", "CRASHED USERS", "CRASH-FREE", "ONCE ALL IS TOLD"], rows)
    let hours = answer.ageHours == 1 ? "hour" : "\(answer.ageHours) hours"
    let each = rows.count == 1 ? "" : " of each"
    var scope = "In the first \(hours)\(each), as known at that age, users as known now"
    if answer.reportingDelay.isLearnt {
      let told = Int((answer.reportingDelay.knownShare * 100).rounded())
      scope += "; about \(told) % of their crashes are told by then"
    }
    try printLine(scope + ".")
  }
}

/// Cut off, not rounded: 99.9996 % is not 100 %. What is added is above any error of the product,
/// and below what one session of a hundred million makes.
private func percentText(_ share: Double?) -> String {
  guard let share else { return "-" }
  let thousandths = Int64(share * 100_000 + 1e-6)
  let digits = String(thousandths % 1000)
  return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - digits.count) + digits + " %"
}
