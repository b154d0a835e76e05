internal import API
internal import Bytes
internal import HTTP
internal import ReleaseHealth
internal import Storage

/// Back-tests over the API: when an alert rule would have fired.
extension AlertActions {
  /// Back-tests a stored rule.
  func backTestOfRule(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let given = try range(call, QueryParameters(call.items), daysMax: BackTest.daysMax)
    return try withRule(call) { (rule) throws(StoreError) in
      try backTest(rule.draft, given, rule.organization, call)
    }
  }

  /// Back-tests a rule in the body, which need not be stored: `rule`, and the range by the names of
  /// its parameters.
  func backTest(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let projects = try call.projects()
    let node = try body(of: call)
    guard let ruleNode = node["rule"] else {
      throw .badRequest("\"rule\" is missing: a rule as for alert-rules/.")
    }
    var items: [(name: String, value: String)] = []
    for name in DateRange.names {
      guard let value = node[name], !value.isNull else { continue }
      guard case .string(let text) = value.value else {
        throw .badRequest("\"\(name)\" is not a text.")
      }
      items.append((name, text))
    }
    let given = try range(call, QueryParameters(items), daysMax: BackTest.daysMax)
    return { () throws(StoreError) in
      var reader = AlertRuleReader(ruleNode, projects: projects)
      reader.needsName = false
      let draft = reader.draft(over: nil)
      reader.checkMembers()
      guard let draft, reader.problems.isEmpty else { return reader.refusal }
      return try backTest(draft, given, organization.id, call)
    }
  }

  private func backTest(
    _ draft: AlertRuleDraft, _ given: (start: Timestamp, end: Timestamp),
    _ organization: OrganizationID, _ call: APICall
  ) throws(StoreError) -> Response {
    let test = BackTest(draft.rule, given, organization)
    switch try test.answer(store, alerts) {
    case .success(let answer): return .json(answer.json(of: test, name: draft.name))
    case .failure(let errors): return errors.response
    }
  }
}

extension BackTest {
  init(
    _ rule: AlertRule, _ given: (start: Timestamp, end: Timestamp), _ organization: OrganizationID
  ) {
    self.rule = rule
    self.organization = organization
    let step = Self.stepMinutes
    start = Timestamp(minute: (given.start.minute + step - 1).flooredDivision(by: step) * step)
    end = Timestamp(minute: given.end.minute.flooredDivision(by: step) * step)
  }

  /// Replays the arrival log or, for users, recorded evaluations. Blocks.
  func answer(
    _ store: any ReleaseStore & OutcomeStore, _ alerts: any AlertStore
  ) throws(StoreError) -> Result<Answer, FieldErrors> {
    let unmatched = try rule.unmatched(of: organization, store)
    // A project that has been silent is one of the things that a rule is about.
    var errors = FieldErrors()
    for problem in unmatched where problem.field != "projects" {
      errors.add(problem.field, problem.reason)
    }
    guard errors.isEmpty else { return .failure(errors) }
    guard rule.measure.isOfUsers else { return .success(try replay(store)) }
    let same = try alerts.alertRules(of: organization).first { $0.rule.queriesTheSame(as: rule) }
    guard let same else {
      return .failure(
        FieldErrors(
          "aggregate",
          "The arrival log has no users: a rule about users is back-tested on the evaluations of a rule with "
            + "the same aggregate, projects, environment, release, timeWindow and comparison, and "
            + "there is none."))
    }
    return .success(try replay(records: same, alerts))
  }
}
