package import ReleaseHealth

/// What people say of an alert rule.
package struct AlertRuleDraft: Codable, Equatable, Sendable {
  package var name: String
  package var rule: AlertRule
  /// Names of channels, for the levels that name none of their own.
  package var channels: [String]
  package var warningChannels: [String]
  package var criticalChannels: [String]

  package init(
    name: String, rule: AlertRule, channels: [String] = [], warningChannels: [String] = [],
    criticalChannels: [String] = []
  ) {
    self.name = name
    self.rule = rule
    self.channels = channels
    self.warningChannels = warningChannels
    self.criticalChannels = criticalChannels
  }

  /// The channels that a level notifies.
  package func channels(of level: AlertLevel) -> [String] {
    let own = level == .critical ? criticalChannels : warningChannels
    return own.isEmpty ? channels : own
  }

  package var allChannels: Set<String> {
    Set(channels + warningChannels + criticalChannels)
  }
}

/// A rule as it is kept.
package struct StoredAlertRule: Equatable, Sendable {
  package var id: Int64
  package var organization: OrganizationID
  package var draft: AlertRuleDraft
  /// It stands in the operators' file, which alone can change it.
  package var isDeclared: Bool
  package var created: Timestamp
  package var modified: Timestamp
  /// The time since which the rule queries the same value: older records are of another one.
  package var requested: Timestamp
  /// The end of the mute; until then no channel is notified.
  package var mutedUntil: Timestamp?
  package var state: AlertState
  /// The last evaluation; nil before the first.
  package var evaluated: AlertRecord?
  /// The release that the last evaluation looked at, if the rule is about a single one.
  package var release: String?
  /// The one that is open.
  package var incident: Int64?

  package init(
    id: Int64, organization: OrganizationID, draft: AlertRuleDraft, isDeclared: Bool,
    created: Timestamp, modified: Timestamp, requested: Timestamp, mutedUntil: Timestamp?,
    state: AlertState, evaluated: AlertRecord?, release: String?, incident: Int64?
  ) {
    self.id = id
    self.organization = organization
    self.draft = draft
    self.isDeclared = isDeclared
    self.created = created
    self.modified = modified
    self.requested = requested
    self.mutedUntil = mutedUntil
    self.state = state
    self.evaluated = evaluated
    self.release = release
    self.incident = incident
  }

  package var rule: AlertRule { draft.rule }

  /// Whether the last evaluation had a value: otherwise the level says nothing of the present.
  package var isJudged: Bool { evaluated?.value != nil }

  package func isMuted(at now: Timestamp) -> Bool { muteEnd(at: now) != nil }

  /// nil when it is not muted.
  package func muteEnd(at now: Timestamp) -> Timestamp? {
    mutedUntil.flatMap { now < $0 ? $0 : nil }
  }
}

/// What an evaluation found.
package struct AlertRecord: Equatable, Sendable {
  package var time: Timestamp
  /// nil without data, or with too little.
  package var value: Double?
  /// Sessions in the window.
  package var sessions: Int64
  /// After the evaluation.
  package var level: AlertLevel

  package init(time: Timestamp, value: Double?, sessions: Int64, level: AlertLevel) {
    self.time = time
    self.value = value
    self.sessions = sessions
    self.level = level
  }
}

/// The time from a rule's first alarm until it was resolved.
package struct AlertIncident: Equatable, Sendable {
  package var id: Int64
  package var rule: Int64
  package var opened: Timestamp
  /// nil while it is open.
  package var closed: Timestamp?
  /// `ok` once it is closed.
  package var level: AlertLevel
  /// The levels that it had.
  package var reached: Set<AlertLevel>
  /// How often the level changed, the opening and the closing among them.
  package var transitions: Int
  /// At the last transition.
  package var value: Double?

  package init(
    id: Int64, rule: Int64, opened: Timestamp, closed: Timestamp?, level: AlertLevel,
    reached: Set<AlertLevel>, transitions: Int, value: Double?
  ) {
    self.id = id
    self.rule = rule
    self.opened = opened
    self.closed = closed
    self.level = level
    self.reached = reached
    self.transitions = transitions
    self.value = value
  }

  /// Sentry's number: 2 closed, 10 warning, 20 critical.
  package var status: Int {
    switch level {
    case .ok: 2
    case .warning: 10
    case .critical: 20
    }
  }
}

/// An evaluation that is to be kept.
package struct AlertResult: Equatable, Sendable {
  /// As the rule was when it was evaluated.
  package var rule: StoredAlertRule
  package var record: AlertRecord
  package var state: AlertState
  /// The release that was looked at, and the one that it was compared with.
  package var release: String?
  package var baseRelease: String?
  /// Whether the channels are to be notified of the level.
  package var notifies: Bool

  package init(
    rule: StoredAlertRule, record: AlertRecord, state: AlertState, release: String? = nil,
    baseRelease: String? = nil, notifies: Bool
  ) {
    self.rule = rule
    self.record = record
    self.state = state
    self.release = release
    self.baseRelease = baseRelease
    self.notifies = notifies
  }
}

/// A change of a rule's level of which channels are to be notified.
package struct AlertTransition: Equatable, Sendable {
  /// Why an incident ended without an evaluation.
  package enum Ending: String, Sendable {
    case ruleChanged = "rule_changed"
    case ruleDeleted = "rule_deleted"
  }

  package var id: Int64
  /// The rule as it was when its level changed, without its channels.
  package var draft: AlertRuleDraft
  package var rule: Int64
  package var organization: OrganizationID
  package var ruleCreated: Timestamp
  package var ruleModified: Timestamp
  package var before: AlertLevel
  /// After the change; the rule has its level.
  package var incident: AlertIncident
  package var time: Timestamp
  /// What the thresholds were compared with; nil where nothing was known.
  package var value: Double?
  /// In the window.
  package var sessions: Int64
  package var release: String?
  package var baseRelease: String?
  package var ending: Ending?

  package init(
    id: Int64, draft: AlertRuleDraft, rule: Int64, organization: OrganizationID,
    ruleCreated: Timestamp, ruleModified: Timestamp, before: AlertLevel, incident: AlertIncident,
    time: Timestamp, value: Double?, sessions: Int64, release: String?, baseRelease: String?,
    ending: Ending?
  ) {
    self.id = id
    self.draft = draft
    self.rule = rule
    self.organization = organization
    self.ruleCreated = ruleCreated
    self.ruleModified = ruleModified
    self.before = before
    self.incident = incident
    self.time = time
    self.value = value
    self.sessions = sessions
    self.release = release
    self.baseRelease = baseRelease
    self.ending = ending
  }

  /// - Parameter rule: as it was before.
  package init(
    of rule: StoredAlertRule, _ incident: AlertIncident, found record: AlertRecord,
    ending: Ending? = nil
  ) {
    id = 0
    draft = AlertRuleDraft(name: rule.draft.name, rule: rule.rule)
    self.rule = rule.id
    organization = rule.organization
    ruleCreated = rule.created
    ruleModified = rule.modified
    before = rule.state.level
    self.incident = incident
    time = record.time
    // When a mute ends, there may be no data any more: the level was reached by the incident's
    // value.
    value = ending == nil ? record.value ?? incident.value : record.value
    sessions = record.sessions
    self.ending = ending
  }
}

/// Keeps alert rules with their evaluations and incidents. Called from any thread; blocks.
package protocol AlertStore: Sendable {
  /// All rules, or those of an organization, by id.
  func alertRules(of organization: OrganizationID?) throws(StoreError) -> [StoredAlertRule]

  /// Makes a rule, or changes the one with the id. It fails where the name is taken
  /// (``StoreError/conflict(_:)``), the organization has ``AlertLimits/rulesMax`` rules, or the
  /// operators' file declares the rule (``StoreError/ruleDeclared(_:)``). A rule that queries
  /// another value than before begins anew: its incident is closed, which is an
  /// ``AlertTransition``.
  ///
  /// - Returns: nil when there is no rule with the id.
  func saveAlertRule(
    _ draft: AlertRuleDraft, id: Int64?, of organization: OrganizationID, at now: Timestamp
  ) throws(StoreError) -> StoredAlertRule?

  /// Deletes a rule and its incidents; the end of an open one is an ``AlertTransition``. It fails
  /// where the operators' file declares the rule (``StoreError/ruleDeclared(_:)``).
  ///
  /// - Returns: false when there is none.
  func deleteAlertRule(
    id: Int64, of organization: OrganizationID, at now: Timestamp
  ) throws(StoreError) -> Bool

  /// - Parameter until: nil to end it.
  /// - Returns: false when there is no such rule.
  func muteAlertRule(
    id: Int64, of organization: OrganizationID, until: Timestamp?
  ) throws(StoreError) -> Bool

  /// Makes the declared rules those of the operators' file, in one transaction: they are identified
  /// by organization and name. It fails where a rule that is not declared has the name
  /// (``StoreError/conflict(_:)``).
  func declareAlertRules(
    _ drafts: [(organization: OrganizationID, draft: AlertRuleDraft)], at now: Timestamp
  ) throws(StoreError)

  /// Keeps evaluations with what follows from them, the incidents and the transitions, in one
  /// transaction. Those of rules that were changed, deleted or evaluated meanwhile are dropped.
  func keepAlerts(_ results: [AlertResult]) throws(StoreError)

  /// Newest first.
  func alertIncidents(
    of organization: OrganizationID, rule: Int64?, offset: Int, limit: Int
  ) throws(StoreError) -> [AlertIncident]

  /// Evaluations of a rule in some minutes since 1970, the earliest first, at most `limit`.
  func alertRecords(
    of rule: Int64, minutes: Range<Int>, limit: Int
  ) throws(StoreError) -> [AlertRecord]

  /// The names of the channels of an organization.
  func noticeChannels(of organization: OrganizationID) throws(StoreError) -> Set<String>
}
