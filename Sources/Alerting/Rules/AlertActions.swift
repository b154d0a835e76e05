internal import Access
internal import Bytes
package import API
internal import HTTP
internal import ReleaseHealth
package import Storage

/// Alert rules over the API, in Sentry's paths and forms, with Hale's additions.
package struct AlertActions: Sendable {
  let store: any SessionStore & ReleaseStore & OutcomeStore
  let alerts: any AlertStore
  private let notices: NoticeSender

  package init(
    store: any SessionStore & ReleaseStore & OutcomeStore, alerts: any AlertStore,
    notices: NoticeSender
  ) {
    self.store = store
    self.alerts = alerts
    self.notices = notices
  }

  // MARK: Rules

  func list(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let projects = try call.projects()
    let parameters = QueryParameters(call.items)
    let selected = Set(try projects.selected(by: parameters).map(\.id))
    let page = try Page(parameters, sizeMax: 100)
    return { () throws(StoreError) in
      let rules = try alerts.alertRules(of: organization.id)
        .filter { !selected.isDisjoint(with: $0.rule.projects) }
      let shown = rules.dropFirst(page.offset).prefix(page.size)
      let hasMore = rules.count > page.offset + shown.count
      let link = page.linkHeader(url: call.url, hasMore: hasMore)
      let entries = try store.snapshot { (store) throws(StoreError) in
        try shown.map { (rule) throws(StoreError) in
          (rule: rule, unmatched: try rule.rule.unmatched(of: organization.id, store))
        }
      }
      return .list(entries, headers: ["Link": link]) { json, entry in
        AlertRuleJSON.write(
          entry.rule, projects: projects, unmatched: entry.unmatched, now: call.now, to: &json)
      }
    }
  }

  func detail(_ call: APICall) throws(APIError) -> APIRoute.Work {
    try withRule(call) { (rule) throws(StoreError) in try answer(rule, call) }
  }

  func create(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let node = try body(of: call)
    let projects = try call.projects()
    return { () throws(StoreError) in
      try save(node, over: nil, of: organization.id, projects, call)
    }
  }

  /// Members that are not given stay as they are, as in Sentry.
  func update(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let node = try body(of: call)
    let projects = try call.projects()
    return try withRule(call) { (rule) throws(StoreError) in
      if rule.isDeclared { return declared(rule) }
      return try save(node, over: rule, of: rule.organization, projects, call)
    }
  }

  func delete(_ call: APICall) throws(APIError) -> APIRoute.Work {
    try withRule(call) { (rule) throws(StoreError) in
      if rule.isDeclared { return declared(rule) }
      _ = try alerts.deleteAlertRule(id: rule.id, of: rule.organization, at: call.now)
      notices.enqueueTransitions()
      return Response(status: 204)
    }
  }

  private func declared(_ rule: StoredAlertRule) -> Response {
    .failure(
      409,
      "The rule '\(rule.draft.name)' is declared in the operators' file (--alerts): change it there. "
        + "It goes when the service reads a file without it.")
  }

  private func save(
    _ node: JSONNode, over before: StoredAlertRule?, of organization: OrganizationID,
    _ projects: [Project], _ call: APICall
  ) throws(StoreError) -> Response {
    var reader = AlertRuleReader(node, projects: projects)
    let read = reader.draft(over: before?.draft)
    reader.checkMembers()
    let rules = try alerts.alertRules(of: organization)
    if let read {
      reader.checkChannels(of: read, among: try alerts.noticeChannels(of: organization))
      if rules.contains(where: { $0.draft.name == read.name && $0.id != before?.id }) {
        reader.add("name", "A rule named '\(read.name)' exists already.")
      }
    }
    guard let read, reader.problems.isEmpty else { return reader.refusal }
    let saved = try alerts.saveAlertRule(read, id: before?.id, of: organization, at: call.now)
    guard let saved else { return Response(.notFound) }
    notices.enqueueTransitions()
    return try answer(saved, call, status: before == nil ? 201 : 200)
  }

  private func answer(
    _ rule: StoredAlertRule, _ call: APICall, status: Int = 200
  ) throws(StoreError) -> Response {
    let unmatched = try rule.rule.unmatched(of: rule.organization, store)
    return .json(status: status) {
      AlertRuleJSON.write(
        rule, projects: call.snapshot.catalog.projects, unmatched: unmatched, now: call.now,
        to: &$0)
    }
  }

  // MARK: Silence

  private static let muteMinutesMax = 366 * 1440

  /// `until` or `minutes`; also for rules of the operators' file.
  func mute(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let node = try body(of: call)
    if node["until"] != nil, node["minutes"] != nil {
      throw .badRequest("\"until\" and \"minutes\" are both given: give one of them.")
    }
    var until: Timestamp?
    if case .string(let text)? = node["until"]?.value {
      until = RFC3339.parseShort(text)
    } else if case .number(let number)? = node["minutes"]?.value,
      let minutes = Int(exactly: number), (1...Self.muteMinutesMax).contains(minutes)
    {
      until = call.now.advanced(byMilliseconds: Int64(minutes) * 60_000)
    }
    let latest = call.now.advanced(byMilliseconds: Int64(Self.muteMinutesMax) * 60_000)
    let given = until
    return try withRule(call) { (rule) throws(StoreError) in
      guard let until = given, until > call.now, until <= latest else {
        let field = node["until"] == nil ? "minutes" : "until"
        return FieldErrors(
          field,
          "Give minutes from 1 to \(Self.muteMinutesMax), or until: a time ahead, such as "
            + "2026-03-01T10:00:00Z, of at most a year."
        ).response
      }
      return try mute(rule, until: until, call)
    }
  }

  func unmute(_ call: APICall) throws(APIError) -> APIRoute.Work {
    // The end of a mute notifies, if a level was reached meanwhile.
    try withRule(call) { (rule) throws(StoreError) in
      rule.isMuted(at: call.now)
        ? try mute(rule, until: call.now, call) : try answer(rule, call)
    }
  }

  private func mute(
    _ rule: StoredAlertRule, until: Timestamp, _ call: APICall
  ) throws(StoreError) -> Response {
    _ = try alerts.muteAlertRule(id: rule.id, of: rule.organization, until: until)
    var rule = rule
    rule.mutedUntil = until
    return try answer(rule, call)
  }

  // MARK: Incidents and evaluations

  func incidents(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let projects = try call.projects()
    let parameters = QueryParameters(call.items)
    let page = try Page(parameters, sizeMax: 100)
    var rule: Int64?
    if let text = parameters.one("alertRule") {
      guard let id = Int64(text), id > 0 else {
        throw .invalid("alertRule", text, accepted: "Give the id of a rule, for example 1.")
      }
      rule = id
    }
    return { [rule] () throws(StoreError) in
      let rules = try alerts.alertRules(of: organization.id)
      if let rule, !rules.contains(where: { $0.id == rule }) { return Response(.notFound) }
      let found = try alerts.alertIncidents(
        of: organization.id, rule: rule, offset: page.offset, limit: page.size + 1)
      let link = page.linkHeader(url: call.url, hasMore: found.count > page.size)
      return .list(found.prefix(page.size), headers: ["Link": link]) { json, incident in
        guard let rule = rules.first(where: { $0.id == incident.rule }) else { return }
        AlertRuleJSON.write(incident, of: rule, projects: projects, to: &json)
      }
    }
  }

  private static let evaluationDaysMax = 7

  /// What a rule found, minute by minute, or the worst of each interval, since it queries the same
  /// value.
  func evaluations(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let parameters = QueryParameters(call.items)
    let requested = try range(call, parameters, daysMax: Self.evaluationDaysMax)
    let interval = try evaluationInterval(parameters)
    return try withRule(call) { (rule) throws(StoreError) in
      let first = max(requested.start.minute, rule.requested.minute)
      let records = try alerts.alertRecords(
        of: rule.id, minutes: first..<max(first, requested.end.minute + 1),
        limit: Self.evaluationDaysMax * 1440 + 1)
      return .json { json in
        json.object { json in
          json.member("start", requested.start)
          json.member("end", requested.end)
          json.member("intervalMinutes", interval)
          json.member("thresholdType", rule.rule.isAbove ? 0 : 1)
          json.member("critical", rule.rule.critical)
          json.member("warning", rule.rule.warning)
          json.member("resolve", rule.rule.resolve)
          let worst = rule.rule.worst(of: records, everyMinutes: interval)
          json.objects("evaluations", of: worst) { json, record in
            json.member("time", record.time)
            json.member("value", record.value)
            json.member("sessions", record.sessions)
            json.member("level", record.level.name)
          }
        }
      }
    }
  }

  private func evaluationInterval(_ parameters: QueryParameters) throws(APIError) -> Int {
    guard let text = parameters.one("interval") else { return 1 }
    guard let seconds = StatsPeriod.seconds(text), seconds % 60 == 0,
      (60...86_400).contains(seconds)
    else {
      throw .invalid(
        "interval", text, accepted: "Give whole minutes, from 1m to 1d, for example 5m.")
    }
    return Int(seconds / 60)
  }

  // MARK: What they share

  func body(of call: APICall) throws(APIError) -> JSONNode {
    do throws(JSONNode.Failure) {
      return try JSONNode(call.body)
    } catch {
      throw .badRequest("The body is not JSON: line \(error.line): \(error.reason).")
    }
  }

  /// Work on the rule that the path names, by id or by name.
  func withRule(
    _ call: APICall, _ work: @escaping @Sendable (StoredAlertRule) throws(StoreError) -> Response
  ) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let name = call.names["rule"] ?? ""
    return { () throws(StoreError) in
      let rules = try alerts.alertRules(of: organization.id)
      guard let rule = rules.first(named: name) else { return Response(.notFound) }
      return try work(rule)
    }
  }

  /// The range of a request, up to now; the default is the last day.
  func range(
    _ call: APICall, _ parameters: QueryParameters, daysMax: Int
  ) throws(APIError) -> (start: Timestamp, end: Timestamp) {
    var limits = SessionsLimits()
    limits.defaultRangeDays = 1
    let requested = try DateRange.givenRange(parameters, now: call.now, limits: limits)
    guard requested.start < call.now else { throw .badRequest("The range has not begun yet.") }
    let end = min(requested.end, call.now)
    if end.milliseconds - requested.start.milliseconds > Int64(daysMax) * 86_400_000 {
      throw .badRequest("The range is longer than \(daysMax) days.")
    }
    return (requested.start, end)
  }

  // MARK: Routes

  package var routes: [APIRoute] {
    [
      APIRoute(
        "organizations/{organization}/alert-rules",
        .get(.sentrys(["project"] + AcceptedNames.pages), list),
        .change(.post, AlertRuleReader.accepted, create)),
      APIRoute(
        "organizations/{organization}/alert-rules/backtest",
        .query(.post, .only(["rule"] + DateRange.names), backTest)),
      APIRoute(
        "organizations/{organization}/alert-rules/{rule}", .get(.sentrys(), detail),
        .change(.put, AlertRuleReader.accepted, update), .change(.delete, .sentrys(), delete)),
      APIRoute(
        "organizations/{organization}/alert-rules/{rule}/mute",
        .change(.post, .only(["until", "minutes"]), mute), .change(.delete, .only(), unmute)),
      APIRoute(
        "organizations/{organization}/alert-rules/{rule}/evaluations",
        .get(.only(DateRange.names + ["interval"]), evaluations)),
      APIRoute(
        "organizations/{organization}/alert-rules/{rule}/backtest",
        .get(.only(DateRange.names), backTestOfRule)),
      APIRoute(
        "organizations/{organization}/incidents",
        .get(.sentrys(["alertRule"] + AcceptedNames.pages), incidents)),
    ]
  }
}

extension [StoredAlertRule] {
  /// The rule with an id, or else with a name.
  func first(named name: String) -> StoredAlertRule? {
    first { String($0.id) == name } ?? first { $0.draft.name == name }
  }
}
