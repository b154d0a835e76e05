import Alerting
import ArgumentParser
import Bytes
import FoundationEssentials
import ReleaseHealth
import Storage

struct AlertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "alert",
    abstract: "List, show, mute and back-test alert rules.",
    discussion: """
      Rules are created over the API, or in the file that `hale serve --alerts FILE` reads. \
      Commands take the name or the id of a rule.

        hale alert list
        hale alert backtest --rule checkout --from 2026-03-01 --to 2026-03-08
        hale alert mute "Crash-free sessions" --for 2h
      """,
    subcommands: [List.self, Show.self, BackTest.self, Mute.self, Unmute.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the alert rules of an organization with their states.",
      discussion: "  hale alert list --org acme")

    @OptionGroup var options: CatalogOptions

    func run() throws {
      let session = try AlertSession(options.data, options.organization)
      let rules = try session.alerts.alertRules(of: session.organization.id)
      let entries = try rules.map { (rule: $0, unmatched: try session.unmatched($0)) }
      try options.json.printEntries(
        entries, ["ID", "NAME", "STATE", "VALUE", "EVALUATED", "MUTED UNTIL", "SOURCE"],
        row: { rule, unmatched in
          [
            "\(rule.id)", rule.draft.name, session.state(rule, unmatched),
            rule.evaluated?.value.map { "\($0)" } ?? "-",
            rule.evaluated?.time.readable ?? "-", session.muted(rule)?.readable ?? "-",
            rule.isDeclared ? "file" : "api",
          ]
        }, members: { session.members($0.rule, $0.unmatched) })
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show an alert rule and its last incidents.",
      discussion: "  hale alert show \"Crash-free sessions\"")

    @Argument(help: "The name or id of the rule.")
    var rule: String

    @OptionGroup var options: CatalogOptions

    func run() throws {
      let session = try AlertSession(options.data, options.organization)
      let rule = try session.rule(self.rule)
      let unmatched = try session.unmatched(rule)
      if options.json.isJSON { return try printLine(jsonLine(session.members(rule, unmatched))) }
      let condition = rule.rule
      let side = condition.isAbove ? "above" : "below"
      var pairs = [
        ("name", rule.draft.name), ("aggregate", condition.measure.rawValue),
        ("projects", session.slugs(rule).joined(separator: ", ")),
        (
          "environment",
          condition.environment.map { $0.isEmpty ? "without environment" : $0 } ?? "all"
        ),
        ("release", condition.releases.text ?? "all"),
        ("window", "\(condition.windowMinutes) minutes"),
        ("critical", "\(side) \(condition.critical)"),
      ]
      if let comparison = condition.comparison {
        pairs.append(("change against", comparison.rawValue))
      }
      if let warning = condition.warning { pairs.append(("warning", "\(side) \(warning)")) }
      if let resolve = condition.resolve { pairs.append(("resolved at", "\(resolve)")) }
      pairs += [
        ("minimum sessions", "\(condition.sessionsMin)"),
        ("evaluations", "\(condition.period) in a row"),
        ("channels", rule.draft.allChannels.sorted().joined(separator: ", ")),
        ("source", rule.isDeclared ? "file" : "api"),
        ("muted until", session.muted(rule)?.readable ?? "-"),
        ("state", session.state(rule, unmatched)),
        ("value", rule.evaluated?.value.map { "\($0)" } ?? "-"),
        ("sessions", rule.evaluated.map { "\($0.sessions)" } ?? "-"),
        ("of release", rule.release ?? "-"),
        ("evaluated", rule.evaluated?.time.readable ?? "-"),
      ]
      pairs += unmatched.map { ("matches nothing yet", $0.reason) }
      try printPairs(pairs)
      let incidents = try session.alerts.alertIncidents(
        of: rule.organization, rule: rule.id, offset: 0, limit: 10)
      if incidents.isEmpty { return }
      try printColumns(
        ["INCIDENT", "OPENED", "CLOSED", "HIGHEST"],
        incidents.map {
          [
            "\($0.id)", $0.opened.readable, $0.closed?.readable ?? "open",
            ($0.reached.max() ?? .ok).name,
          ]
        })
    }
  }

  struct BackTest: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "backtest",
      abstract: "Show when a rule would have fired in the past.",
      discussion: """
        Evaluates the rule on what was known at each time. Rules about sessions are replayed from \
        the arrival log, every ten minutes and over whole start hours. Rules about users are \
        replayed from the values that a rule with the same condition has recorded. The rule is an \
        existing one, or one in a JSON file.

        Exit status: 0 if the rule was judged, 2 if it never had data enough, 1 if the query failed.

          hale alert backtest --rule rule.json --from 2026-03-01 --to 2026-03-08
        """)

    @Option(help: .of("rule", "The name or id of a rule, or a JSON file."))
    var rule: String

    @Option(help: .of("time", "The start, for example 2026-03-01T10:00Z."))
    var from: String

    @Option(help: .of("time", "The end. The default is now."))
    var to: String?

    @OptionGroup var organization: OrganizationOptions
    @Flag(name: .customLong("json"), help: "Print the response of the API as JSON.")
    var isJSON = false
    @OptionGroup var data: DataOptions

    private struct Report: Decodable {
      struct Transition: Decodable {
        let time: String
        let from: String
        let to: String
        let value: Double
        let sessions: Int64
        let release: String?
      }

      let transitions: [Transition]
      let minutes: [String: Int]
      let basis: String
      let knownFrom: String?

      /// Whether the rule had no value in the whole range.
      var judgedNothing: Bool {
        let all = ["ok", "warning", "critical"].reduce(0) { $0 + (minutes[$1] ?? 0) }
        return all <= minutes["withoutData"] ?? 0
      }
    }

    func run() throws {
      let session = try AlertSession(data, organization)
      let start = try time(from, "--from")
      let end = min(try to.map { try time($0, "--to") } ?? session.now, session.now)
      guard start < session.now else {
        throw CommandFailure.usage("--from is '\(from)', which is in the future.")
      }
      guard start < end else { throw CommandFailure.usage("--from is not before --to.") }
      let rules = try session.alerts.alertRules(of: session.organization.id)
      let isRule = rules.contains { $0.draft.name == rule || "\($0.id)" == rule }
      let bytes = isRule ? [] : try fileOfRule(besides: rules)
      let answer = try session.backTest(
        named: isRule ? rule : nil, bytes: bytes, start: start, end: end)
      let text = String(decoding: answer, as: UTF8.self)
      let report = try JSONDecoder().decode(Report.self, from: Data(answer))
      if isJSON {
        try printLine(text.visibleJSON)
      } else {
        try print(report, since: start)
      }
      if report.judgedNothing { throw ExitCode(2) }
    }

    private func print(_ report: Report, since start: Timestamp) throws {
      if let known = report.knownFrom.flatMap({ RFC3339.parse($0) }), known > start {
        try printLine("The data starts at \(known.readable). The rule could not have fired before.")
      }
      if report.judgedNothing {
        try printLine(
          "Nothing was judged: at no time of the range were there data, or sessions enough.")
      } else if report.transitions.isEmpty {
        try printLine("The rule would not have fired.")
      } else {
        try printColumns(
          ["TIME", "FROM", "TO", "VALUE", "SESSIONS", "RELEASE"],
          report.transitions.map {
            [
              RFC3339.parse($0.time)?.readable ?? $0.time, $0.from, $0.to,
              "\($0.value)", "\($0.sessions)", $0.release ?? "-",
            ]
          })
      }
      let parts = ["ok", "warning", "critical"].map { "\($0) \(report.minutes[$0] ?? 0)" }
      try printLine(
        "Minutes: \(parts.joined(separator: ", ")). "
          + "\(report.minutes["withoutData"] ?? 0) of them had too few sessions.")
    }

    private func fileOfRule(besides rules: [StoredAlertRule]) throws -> [UInt8] {
      guard FileIdentity(path: rule) != nil else {
        let names = rules.map(\.draft.name)
        throw CommandFailure.failed(
          "There is no file \"\(rule)\", and no such alert rule"
            + NearNames.choices(near: rule, among: names))
      }
      return try readFile(rule, bytesMax: 1 << 20)
    }

    private func time(_ text: String, _ flag: String) throws -> Timestamp {
      guard let time = RFC3339.parseShort(text) else {
        throw CommandFailure.usage(
          "\(flag) is '\(text)', but it takes a time like 2026-03-01 or 2026-03-01T10:00:00Z.")
      }
      return time
    }
  }

  struct Mute: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Stop the notifications of a rule for some time.",
      discussion: """
        The rule is still evaluated, and `hale alert list` shows its state.

          hale alert mute "Crash-free sessions" --for 2h
        """)

    @Argument(help: "The name or id of the rule.")
    var rule: String

    @Option(
      name: .customLong("for"), help: .of("time", "The duration: 30m, 8h or 14d, at most a year."))
    var length = "1h"

    @OptionGroup var options: CatalogOptions

    func run() throws {
      let units: [Character: Int64] = ["m": 1, "h": 60, "d": 1440]
      guard let unit = length.last.flatMap({ units[$0] }), let number = Int64(length.dropLast()),
        (1...366 * 1440).contains(number), number * unit <= 366 * 1440
      else {
        throw CommandFailure.usage(
          "--for is '\(length)', but it takes a time like 30m, 8h or 14d, of at most a year.")
      }
      let session = try AlertSession(options.data, options.organization)
      let until = session.now.advanced(byMilliseconds: number * unit * 60_000)
      try session.mute(rule, until: until, options.json)
    }
  }

  struct Unmute: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Resume the notifications of a rule.",
      discussion: """
        An incident that opened while the rule was muted sends its notification now.

          hale alert unmute "Crash-free sessions"
        """)

    @Argument(help: "The name or id of the rule.")
    var rule: String

    @OptionGroup var options: CatalogOptions

    func run() throws {
      let session = try AlertSession(options.data, options.organization)
      let isMuted = session.muted(try session.rule(rule)) != nil
      try session.mute(rule, until: isMuted ? session.now : nil, options.json)
    }
  }
}

/// The database that commands about alert rules work on, and the service's clock where one runs.
private struct AlertSession {
  let alerts: any AlertStore
  let organization: Organization
  let now: Timestamp
  private let directory: String
  private let projects: [Project]
  private let store: any ReleaseReading

  init(_ data: DataOptions, _ organization: OrganizationOptions) throws {
    let settings = try Settings(flags: data.given)
    let session = try CatalogSession(settings)
    let catalog = try session.catalog()
    let owner = try catalog.organization(organization.slug)
    self.organization = owner
    projects = catalog.projects.filter { $0.organization == owner.id }
    directory = settings.dataDirectory
    alerts = session.store
    store = session.store
    let service = ControlSocket(dataDirectory: directory)
    now = try service.send("GET", "/control/clock")?.time ?? session.now
  }

  func rule(_ name: String) throws -> StoredAlertRule {
    let rules = try alerts.alertRules(of: organization.id)
    if let rule = rules.first(where: { "\($0.id)" == name || $0.draft.name == name }) {
      return rule
    }
    throw CommandFailure.failed(
      NearNames.sentence("alert rule", name, among: rules.map(\.draft.name)))
  }

  func slugs(_ rule: StoredAlertRule) -> [String] {
    rule.rule.projects.map { id in projects.first { $0.id == id }?.slug ?? "\(id.rawValue)" }
  }

  /// What the rule names and is not there yet.
  func unmatched(_ rule: StoredAlertRule) throws -> [AlertRule.Problem] {
    try rule.rule.unmatched(of: organization.id, store)
  }

  /// The level of the rule, or the reason why it has none; marked where the rule cannot fire as it
  /// stands.
  func state(_ rule: StoredAlertRule, _ unmatched: [AlertRule.Problem]) -> String {
    let state =
      switch rule.evaluated {
      case _ where rule.state.level != .ok: rule.state.level.name
      case nil: "not evaluated yet"
      case let last? where last.value != nil: rule.state.level.name
      case let last? where last.sessions > 0 && last.sessions < rule.rule.sessionsMin:
        "too few sessions: \(last.sessions) of \(rule.rule.sessionsMin)"
      case let last? where last.sessions > 0 && rule.rule.comparison != nil:
        "nothing to compare with"
      default: "no data"
      }
    return state + (unmatched.isEmpty ? "" : ", matches nothing yet")
  }

  /// The end of the rule's mute; nil where it is not muted.
  func muted(_ rule: StoredAlertRule) -> Timestamp? {
    rule.mutedUntil.flatMap { now < $0 ? $0 : nil }
  }

  func members(_ rule: StoredAlertRule, _ unmatched: [AlertRule.Problem]) -> JSONMembers {
    let unmatched = unmatched.map(\.reason)
    return [
      ("id", .integer(rule.id)), ("name", .string(rule.draft.name)),
      ("aggregate", .string(rule.rule.measure.rawValue)),
      ("state", .string(rule.state.level.name)), ("isJudged", .boolean(rule.isJudged)),
      ("value", .optional(rule.evaluated?.value.map { "\($0)" })),
      ("evaluated", .optional(rule.evaluated?.time.rfc3339)),
      ("release", .optional(rule.release)),
      ("mutedUntil", .optional(muted(rule)?.rfc3339)),
      ("source", .string(rule.isDeclared ? "file" : "api")),
      ("unmatched", .optional(unmatched.isEmpty ? nil : unmatched.joined(separator: " "))),
    ]
  }

  func mute(_ name: String, until: Timestamp?, _ json: JSONOptions) throws {
    let rule = try rule(name)
    _ = try alerts.muteAlertRule(id: rule.id, of: organization.id, until: until)
    let end = until.flatMap { $0 > now ? $0 : nil }
    let state = end.map { "is muted until \($0.readable)" } ?? "is no longer muted"
    try json.printResult(
      [
        ("id", .integer(rule.id)), ("name", .string(rule.draft.name)),
        ("mutedUntil", .optional(end?.rfc3339)),
      ], "The rule '\(rule.draft.name)' \(state).")
  }

  func backTest(
    named name: String?, bytes: [UInt8], start: Timestamp, end: Timestamp
  ) throws -> [UInt8] {
    let store = try openStore(dataDirectory: directory, ownsSessions: false)
    do throws(AlertFile.Failure) {
      return try AlertBackTest.run(
        named: name, bytes: bytes, start: start, end: end, organization: organization,
        projects: projects, store: store)
    } catch {
      throw CommandFailure.failed(error.description)
    }
  }
}
