internal import Bytes
internal import API
internal import HTTP
internal import ReleaseHealth
internal import Storage

/// Reads an alert rule as JSON: Sentry's form, with Hale's own members beside it. Problems
/// are reported by member; members that are absent keep their values.
struct AlertRuleReader {
  /// Wrong members with the line on which each stands, in the order in which they were found.
  private(set) var problems: [(problem: AlertRule.Problem, line: Int)] = []
  /// Otherwise a rule may have no name.
  var needsName = true
  private let node: JSONNode
  private let projects: [Project]

  /// Members that mean something here, or that Sentry's clients send and that change nothing.
  static let members = [
    "name", "aggregate", "dataset", "query", "environment", "projects", "timeWindow",
    "thresholdType", "resolveThreshold", "thresholdPeriod", "triggers", "release", "minSessions",
    "comparison", "channels",
  ]

  /// What answers have beside them, and what Sentry's forms send: it changes nothing.
  static let ignored = [
    "id", "queryType", "unmatched", "organizationId", "status", "resolution", "owner", "createdBy",
    "dateCreated",
    "dateModified", "snooze", "description", "unit", "mutedUntil", "source", "state",
    "eventTypes", "excludedProjects", "includeAllProjects", "originalAlertRuleId", "sensitivity",
    "seasonality", "detectionType", "comparisonDelta", "comparisonType", "monitorType",
    "activationCondition", "weeklyAvg", "totalThisWeek", "latestIncident", "errors", "user",
    "snoozeForEveryone", "snoozeCreatedBy", "expandedEventTypes", "extrapolationMode",
  ]

  /// The names in the body of a route. The reader reports others by field.
  static let accepted = AcceptedNames.checkedByRoute(members, idle: ignored)

  /// - Parameter projects: of the organization.
  init(_ node: JSONNode, projects: [Project]) {
    self.node = node
    self.projects = projects
  }

  /// - Parameter before: nil for a new rule.
  /// - Returns: nil when something is wrong.
  mutating func draft(over before: AlertRuleDraft?) -> AlertRuleDraft? {
    var draft =
      before
      ?? AlertRuleDraft(
        name: "", rule: AlertRule(measure: .sessionCrashFree, projects: [], critical: 0))
    guard case .object = node.value else {
      add("detail", "The rule has to be a JSON object.")
      return nil
    }
    readName(&draft, isNew: before == nil)
    readSeries(&draft.rule, isNew: before == nil)
    readNumbers(&draft.rule)
    if let names = channelNames(node["channels"], "channels") { draft.channels = names }
    readTriggers(&draft, isNew: before == nil)
    addProblems(of: draft.rule)
    return problems.isEmpty ? draft : nil
  }

  /// Adds the problems of the rule as a whole, so that all are reported at once, without those that
  /// depend on a member that could not be read.
  private mutating func addProblems(of rule: AlertRule) {
    let wrong = Set(problems.map(\.problem.field))
    var unsure = wrong
    if !wrong.isDisjoint(with: ["aggregate", "comparison", "thresholdType"]) {
      unsure.formUnion(["triggers", "resolveThreshold", "minSessions"])
    }
    if wrong.contains("triggers") { unsure.insert("resolveThreshold") }
    if wrong.contains("release") || wrong.contains("query") { unsure.insert("comparison") }
    for problem in rule.problems where !unsure.contains(problem.field) {
      add(problem.field, problem.reason)
    }
  }

  /// The maximum number of unknown members that an error names.
  private static let unknownMembersMax = 20

  /// The maximum number of triggers that are read. There can be two; a few more have an error each.
  private static let triggersMax = 10

  /// A mistyped member would be without effect.
  ///
  /// - Parameter others: members that are read elsewhere, or have no effect.
  mutating func checkMembers(besides others: [String] = AlertRuleReader.ignored) {
    guard case .object(let members) = node.value else { return }
    let unknown = members.map(\.name)
      .filter { !Self.members.contains($0) && !others.contains($0) }
    for name in unknown.prefix(Self.unknownMembersMax) {
      add(name, NearNames.sentence("member", name, among: Self.members))
    }
    if unknown.count > Self.unknownMembersMax {
      add("detail", "There are \(unknown.count - Self.unknownMembersMax) more unknown members.")
    }
    // Sentry's clients send more in a trigger.
    guard case .array(let triggers)? = node["triggers"]?.value,
      triggers.count <= Self.triggersMax
    else { return }
    let known = ["label", "alertThreshold", "actions"]
    for trigger in triggers {
      guard case .object(let members) = trigger.value else { continue }
      for name in members.map(\.name) where !known.contains(name) {
        guard known.contains(where: { NearNames.isSlip(name, of: $0) }) else { continue }
        add("triggers", NearNames.sentence("member", name, among: known))
      }
    }
  }

  /// All problems, a line each.
  var sentence: String {
    problems.map { "line \($0.line): \($0.problem.field): \($0.problem.reason)" }
      .joined(separator: "\n  ")
  }

  /// Sentry's form: the reasons by the field.
  var refusal: Response {
    var errors = FieldErrors()
    for (problem, _) in problems { errors.add(problem.field, problem.reason) }
    return errors.response
  }

  mutating func add(_ field: String, _ reason: String) {
    problems.append((AlertRule.Problem(field, reason), (node[field] ?? node).line))
  }

  /// Names of channels that are not there.
  mutating func checkChannels(of draft: AlertRuleDraft, among names: Set<String>) {
    for (field, used) in [
      ("channels", draft.channels), ("triggers", draft.criticalChannels + draft.warningChannels),
    ] {
      for name in used where !names.contains(name) {
        add(field, "There is no channel '\(name)': make it first (hale channel create).")
      }
    }
  }

  // MARK: Members

  private mutating func readName(_ draft: inout AlertRuleDraft, isNew: Bool) {
    if let name = text("name") { draft.name = name }
    if draft.name.isEmpty {
      if needsName, isNew || node["name"] != nil { add("name", "This field is required.") }
    } else if draft.name.utf8.count > AlertLimits.nameBytesMax
      || draft.name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f })
    {
      add("name", "Give 1 to \(AlertLimits.nameBytesMax) bytes on one line.")
    }
  }

  private mutating func readSeries(_ rule: inout AlertRule, isNew: Bool) {
    if let name = text("aggregate") {
      if let measure = AlertRule.Measure(sentry: name) {
        rule.measure = measure
      } else {
        let names = AlertRule.Measure.allCases.map(\.rawValue)
        add(
          "aggregate",
          "\"\(name)\" is none"
            + NearNames.choices(near: name, among: names, listed: names.count)
            + " Sentry's two of crash-free rates are taken, too.")
      }
    }
    if let name = text("dataset"), name != "metrics", name != "sessions" {
      add("dataset", "\"\(name)\" is none. Give metrics: rules are about sessions.")
    }
    readProjects(&rule, isNew: isNew)
    if let environment = node["environment"] {
      rule.environment = environment.isNull ? nil : text("environment")
    }
    readReleases(&rule)
    guard let comparison = node["comparison"] else { return }
    if comparison.isNull {
      rule.comparison = nil
    } else if let name = text("comparison") {
      rule.comparison = AlertRule.Comparison(rawValue: name)
      if rule.comparison == nil {
        add("comparison", "\"\(name)\" is none. Give previousRelease, previousWeek or null.")
      }
    }
  }

  private mutating func readProjects(_ rule: inout AlertRule, isNew: Bool) {
    guard let given = node["projects"] else {
      if isNew { add("projects", "This field is required: a list of slugs.") }
      return
    }
    guard case .array(let elements) = given.value else {
      return add("projects", "Give a list of slugs.")
    }
    guard elements.count <= AlertRule.projectsMax else {
      return add("projects", "Name at most \(AlertRule.projectsMax) projects.")
    }
    var found = Set<ProjectID>()
    for element in elements {
      let name: String
      switch element.value {
      case .string(let text): name = text
      case .number(let number): name = Int64(exactly: number).map { String($0) } ?? "\(number)"
      default: name = ""
      }
      if let project = projects.first(named: name) {
        found.insert(project.id)
      } else {
        add("projects", NearNames.sentence("project", name, among: projects.map(\.slug)))
      }
    }
    rule.projects = found.sorted()
  }

  /// `release` says it, or else Sentry's `query`, which can be about the release alone.
  private mutating func readReleases(_ rule: inout AlertRule) {
    let query = text("query")
    if let release = node["release"], !release.isNull || query == nil {
      rule.releases = AlertRule.Releases(release.isNull ? nil : text("release"))
      return
    }
    guard let query else { return }
    do throws(APIError) {
      let tokens = try SearchLexer.tokens(of: query)
      if tokens.isEmpty {
        rule.releases = .all
      } else if tokens.count == 1, case .term(let term) = tokens[0], !term.isNegated,
        term.key == "release", term.values.count == 1
      {
        rule.releases = AlertRule.Releases(term.values[0].text)
      } else {
        add("query", "A rule's query is empty, or names one release, such as release:shop@2.1.*.")
      }
    } catch {
      add("query", error.detail)
    }
  }

  private mutating func readNumbers(_ rule: inout AlertRule) {
    if let minutes = whole("timeWindow") { rule.windowMinutes = minutes }
    if let type = whole("thresholdType") {
      if type == 0 || type == 1 {
        rule.isAbove = type == 0
      } else {
        add("thresholdType", "\(type) is none. Give 0 for above, or 1 for below.")
      }
    }
    if let period = whole("thresholdPeriod") { rule.period = period }
    if let sessions = whole("minSessions") { rule.sessionsMin = Int64(sessions) }
    if let resolve = node["resolveThreshold"] {
      rule.resolve = resolve.isNull ? nil : number(resolve, "resolveThreshold")
    }
  }

  private mutating func readTriggers(_ draft: inout AlertRuleDraft, isNew: Bool) {
    guard let given = node["triggers"] else {
      if isNew { add("triggers", "This field is required: a trigger labelled critical.") }
      return
    }
    guard case .array(let triggers) = given.value else {
      return add("triggers", "Give a list of triggers.")
    }
    guard triggers.count <= Self.triggersMax else {
      return add("triggers", "Give at most \(Self.triggersMax) triggers: critical and warning.")
    }
    var hasCritical = false
    draft.rule.warning = nil
    draft.warningChannels = []
    for trigger in triggers {
      guard case .string(let label)? = trigger["label"]?.value,
        label == "critical" || label == "warning"
      else {
        add("triggers", "The label of a trigger is critical or warning.")
        continue
      }
      guard let node = trigger["alertThreshold"],
        let threshold = number(node, "triggers", "The alertThreshold of \(label)")
      else {
        if trigger["alertThreshold"] == nil {
          add("triggers", "The alertThreshold of \(label) is missing.")
        }
        continue
      }
      let names = channelNames(trigger["actions"], "triggers") ?? []
      if label == "critical" {
        if hasCritical { add("triggers", "There can be only one critical.") }
        hasCritical = true
        (draft.rule.critical, draft.criticalChannels) = (threshold, names)
      } else {
        if draft.rule.warning != nil { add("triggers", "There can be only one warning.") }
        (draft.rule.warning, draft.warningChannels) = (threshold, names)
      }
    }
    if !hasCritical, !problems.contains(where: { $0.problem.field == "triggers" }) {
      add("triggers", "A trigger labelled critical is missing.")
    }
  }

  /// Names as they stand, or in `channel` or Sentry's `targetIdentifier` of actions.
  private mutating func channelNames(_ node: JSONNode?, _ field: String) -> [String]? {
    guard let node else { return nil }
    if node.isNull { return [] }
    guard case .array(let elements) = node.value else {
      add(field, "Give a list of channels.")
      return nil
    }
    guard elements.count <= AlertLimits.channelsMax else {
      add(field, "Name at most \(AlertLimits.channelsMax) channels.")
      return nil
    }
    var names: [String] = []
    for element in elements {
      let named = element["channel"] ?? element["targetIdentifier"] ?? element
      guard case .string(let name) = named.value else {
        add(field, "A channel is given by its name, or as {\"channel\": NAME}.")
        continue
      }
      if !names.contains(name) { names.append(name) }
    }
    return names
  }

  // MARK: Types

  private mutating func text(_ field: String) -> String? {
    guard let node = node[field], !node.isNull else { return nil }
    if case .string(let text) = node.value { return text }
    add(field, "Give a text.")
    return nil
  }

  private mutating func number(_ node: JSONNode, _ field: String, _ name: String? = nil) -> Double?
  {
    switch node.value {
    case .number(let number): return number
    // Forms send texts.
    case .string(let text):
      if let number = Double(text), number.isFinite { return number }
    default: break
    }
    add(field, name.map { "\($0) is no number." } ?? "Give a number.")
    return nil
  }

  private mutating func whole(_ field: String) -> Int? {
    guard let node = node[field], !node.isNull else { return nil }
    guard let number = number(node, field) else { return nil }
    if let whole = Int(exactly: number), abs(whole) < 1 << 50 { return whole }
    add(field, "Give a whole number.")
    return nil
  }
}

extension AlertRule.Measure {
  /// - Parameter name: a field of the sessions API, or Sentry's aggregate, with or without its
  ///   alias.
  init?(sentry name: String) {
    switch name.split(separator: " AS ").first.map(String.init) {
    case "percentage(sessions_crashed, sessions)": self = .sessionCrashFree
    case "percentage(users_crashed, users)": self = .userCrashFree
    default: self.init(rawValue: name)
    }
  }

  /// As answers have it: what Sentry's clients call the crash-free rates.
  var sentryName: String {
    switch self {
    case .sessionCrashFree: "percentage(sessions_crashed, sessions) AS _crash_rate_alert_aggregate"
    case .userCrashFree: "percentage(users_crashed, users) AS _crash_rate_alert_aggregate"
    default: rawValue
    }
  }
}
