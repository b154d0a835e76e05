import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

/// The stored data of alert rules.
@Suite struct AlertTests {
  // The fixture's directory exists as long as the fixture.
  private let fixture: StoreFixture
  private static let organization = OrganizationID(rawValue: 1)
  private static let now = Timestamp(seconds: 1_767_225_600)

  init() throws {
    fixture = try StoreFixture()
  }

  private static func draft(_ name: String = "rule") -> AlertRuleDraft {
    AlertRuleDraft(
      name: name,
      rule: AlertRule(
        measure: .foregroundANR, projects: [ProjectID(rawValue: 1)], environment: "",
        releases: .pattern("a*"), windowMinutes: 77, comparison: nil, isAbove: true, critical: 5.5,
        warning: 2, resolve: 1.5, sessionsMin: 12, period: 3),
      channels: ["team"], warningChannels: ["b", "a"], criticalChannels: ["pager"])
  }

  private func result(
    _ rule: StoredAlertRule, _ level: AlertLevel, minute: Int = 1, notifies: Bool = true
  ) -> AlertResult {
    let time = Timestamp(minute: Self.now.minute + minute)
    return AlertResult(
      rule: rule, record: AlertRecord(time: time, value: 7, sessions: 20, level: level),
      state: AlertState(level: level, alarming: 1), notifies: notifies)
  }

  private func only(_ store: SQLiteStore) throws -> StoredAlertRule {
    try #require(try store.alertRules(of: Self.organization).first)
  }

  private func delete(
    _ id: Int64, of organization: OrganizationID = organization
  ) throws(StoreError) -> Bool {
    try fixture.store.deleteAlertRule(
      id: id, of: organization, at: Self.now)
  }

  /// Puts the notices of what waits into the queues, as the module above does.
  private static func enqueue(_ store: SQLiteStore) throws {
    for transition in try store.alertTransitions() {
      let incident = transition.incident
      let notice = Notice(
        key: "incident-\(incident.id)-\(incident.transitions)", action: .critical, title: "",
        text: "", webURL: nil, subject: "{}", created: transition.time)
      try store.enqueue(notice, of: transition)
      // Who comes second changes nothing.
      try store.enqueue(notice, of: transition)
    }
    #expect(try store.alertTransitions().isEmpty)
  }

  @Test func aRuleIsKeptAsItIs() throws {
    let store = fixture.store
    let saved = try store.saveAlertRule(
      Self.draft(), id: nil, of: Self.organization, at: Self.now)
    #expect(saved?.draft == Self.draft())
    #expect(try store.alertRules(of: nil) == [saved])
    #expect(throws: StoreError.self) {
      try store.saveAlertRule(Self.draft(), id: nil, of: Self.organization, at: Self.now)
    }
    #expect(
      try store.saveAlertRule(Self.draft("x"), id: 9, of: Self.organization, at: Self.now) == nil)
    #expect(try delete(1, of: OrganizationID(rawValue: 2)) == false)
    #expect(try delete(1))
    #expect(try store.alertRules(of: nil).isEmpty)
  }

  @Test func thereIsALimit() throws {
    let store = fixture.store
    for index in 0..<AlertLimits.rulesMax {
      _ = try store.saveAlertRule(
        Self.draft("\(index)"), id: nil, of: Self.organization, at: Self.now)
    }
    #expect(throws: StoreError.self) {
      try store.saveAlertRule(Self.draft("more"), id: nil, of: Self.organization, at: Self.now)
    }
  }

  @Test func anIncidentHasItsTimeAndItsNotices() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    try store.write { (writer) throws(StoreError) in
      try writer.connection.execute(
        """
        INSERT INTO notice_channel (organization, name, kind, settings, created)
        VALUES (1, 'pager', 'webhook', '{}', 0), (1, 'a', 'webhook', '{}', 0),
          (1, 'other', 'webhook', '{}', 0)
        """)
    }
    _ = try store.saveAlertRule(Self.draft(), id: nil, of: Self.organization, at: Self.now)
    try store.keepAlerts([result(try only(store), .warning)])
    #expect(try only(store).incident == 1)
    // A result that was evaluated from an outdated state is ignored.
    let stale = try only(store)
    try store.keepAlerts([result(stale, .critical, minute: 2)])
    try store.keepAlerts([result(stale, .ok, minute: 3)])
    #expect(try only(store).state.level == .critical)
    try store.keepAlerts([result(try only(store), .ok, minute: 4)])
    try store.keepAlerts([result(try only(store), .critical, minute: 5, notifies: false)])
    try Self.enqueue(store)
    let incidents = try store.alertIncidents(
      of: Self.organization, rule: nil, offset: 0, limit: 9)
    #expect(incidents.map(\.id) == [2, 1])
    #expect(incidents.map(\.transitions) == [1, 3])
    #expect(incidents[1].reached == [.warning, .critical])
    #expect(incidents[1].closed == Timestamp(minute: Self.now.minute + 4))
    // A warning notifies the channels of that level; its end notifies those of both levels.
    #expect(
      try fixture.number("SELECT count(*) FROM notice WHERE channel = 2 AND key = 'incident-1-1'")
        == 1)
    #expect(
      try fixture.number("SELECT count(*) FROM notice WHERE channel = 1 AND key = 'incident-1-2'")
        == 1)
    #expect(try fixture.number("SELECT count(*) FROM notice WHERE key = 'incident-1-3'") == 2)
    #expect(try fixture.number("SELECT count(*) FROM notice") == 4)
    let records = try store.alertRecords(
      of: 1, minutes: Self.now.minute..<Self.now.minute + 9, limit: 9)
    #expect(records.map(\.level) == [.warning, .critical, .ok, .critical])
  }

  /// An incident may be open for longer than the retention of notifications; its end still
  /// notifies.
  @Test func whatWasToldOfAnOpenIncidentStays() throws {
    let fixture = try StoreFixture(retentionDays: 7)
    let store = fixture.store
    try store.write { (writer) throws(StoreError) in
      try writer.connection.execute(
        """
        INSERT INTO notice_channel (organization, name, kind, settings, created)
        VALUES (1, 'pager', 'webhook', '{}', 0)
        """)
    }
    _ = try store.saveAlertRule(Self.draft(), id: nil, of: Self.organization, at: Self.now)
    func keep(_ level: AlertLevel, minute: Int) throws {
      try store.keepAlerts([result(only(store), level, minute: minute)])
      try Self.enqueue(store)
    }
    let later = Timestamp(minute: Self.now.minute + 8 * 1440)
    try keep(.critical, minute: 1)
    let told = try #require(try store.dueNotices(at: later).first)
    var progress = NoticeProgress()
    progress.attempts = 1
    progress.delivered = told.notice.created
    try store.record(progress, of: told)
    try fixture.housekeep(at: later)
    try keep(.ok, minute: 8 * 1440)
    #expect(try fixture.number("SELECT count(*) FROM notice") == 2)
    // The first notification is not needed any more.
    try fixture.housekeep(at: later)
    #expect(try fixture.number("SELECT count(*) FROM notice WHERE key = 'incident-1-2'") == 1)
    #expect(try fixture.number("SELECT count(*) FROM notice") == 1)
  }

  @Test func anotherQuestionBeginsAnew() throws {
    let store = fixture.store
    _ = try store.saveAlertRule(Self.draft(), id: nil, of: Self.organization, at: Self.now)
    try store.keepAlerts([result(try only(store), .critical)])
    var draft = Self.draft("renamed")
    draft.rule.critical = 6
    let later = Self.now.advanced(byMilliseconds: 60_000)
    _ = try store.saveAlertRule(draft, id: 1, of: Self.organization, at: later)
    #expect(try only(store).state.level == .critical)
    #expect(try only(store).requested == Self.now)
    draft.rule.windowMinutes = 78
    _ = try store.saveAlertRule(draft, id: 1, of: Self.organization, at: later)
    #expect(try only(store).state == AlertState())
    #expect(try only(store).requested == later)
    let incident = try #require(
      try store.alertIncidents(of: Self.organization, rule: 1, offset: 0, limit: 9).first)
    #expect(incident.closed == later && incident.status == 2)
  }

  @Test func whatEndsWithItsRuleIsTold() throws {
    let store = fixture.store
    try store.write { (writer) throws(StoreError) in
      try writer.connection.execute(
        """
        INSERT INTO notice_channel (organization, name, kind, settings, created)
        VALUES (1, 'pager', 'webhook', '{}', 0), (1, 'a', 'webhook', '{}', 0)
        """)
    }
    for name in ["changed", "deleted", "quiet"] {
      _ = try store.saveAlertRule(Self.draft(name), id: nil, of: Self.organization, at: Self.now)
    }
    for rule in try store.alertRules(of: nil) where rule.draft.name != "quiet" {
      try store.keepAlerts([result(rule, .critical)])
    }
    // This rule's change notified no channel.
    _ = try store.saveAlertRule(Self.draft("untold"), id: nil, of: Self.organization, at: Self.now)
    try store.keepAlerts([
      result(try #require(try store.alertRules(of: nil).last), .critical, notifies: false)
    ])
    var draft = Self.draft("changed")
    draft.rule.windowMinutes = 78
    _ = try store.saveAlertRule(
      draft, id: 1, of: Self.organization, at: Self.now)
    for id in [Int64(2), 3, 4] {
      #expect(
        try store.deleteAlertRule(
          id: id, of: Self.organization, at: Self.now))
    }
    #expect(
      try store.alertTransitions().map(\.ending)
        == [nil, nil, .ruleChanged, .ruleDeleted, .ruleDeleted])
    try Self.enqueue(store)
    // Only the channel of critical was told of them, and so it alone is told that they are over.
    for key in ["1-2", "2-2"] {
      #expect(
        try fixture.number("SELECT channel FROM notice WHERE key = 'incident-\(key)'") == 1)
    }
    #expect(try fixture.number("SELECT count(*) FROM notice") == 4)
  }

  /// A process that ends between an evaluation and its notices leaves all that they say.
  @Test func whatWasNotToldYetOutlivesTheProcess() throws {
    let fixture = try StoreFixture()
    try fixture.store.write { (writer) throws(StoreError) in
      try writer.connection.execute(
        """
        INSERT INTO notice_channel (organization, name, kind, settings, created)
        VALUES (1, 'pager', 'webhook', '{}', 0), (1, 'a', 'webhook', '{}', 0)
        """)
    }
    var draft = Self.draft()
    draft.criticalChannels = ["a", "pager"]
    _ = try fixture.store.saveAlertRule(draft, id: nil, of: Self.organization, at: Self.now)
    let rule = try only(fixture.store)
    var found = result(rule, .critical)
    found.release = "shop@2"
    found.baseRelease = "shop@1"
    try fixture.store.keepAlerts([found])
    let incident = try #require(
      try fixture.store.alertIncidents(of: Self.organization, rule: nil, offset: 0, limit: 1).first)
    _ = try fixture.store.deleteAlertRule(id: 1, of: Self.organization, at: Self.now)
    try fixture.store.close()

    let store = try StoreFixture.open(fixture.directory)
    let waiting = try store.alertTransitions()
    var expected = AlertTransition(of: rule, incident, found: found.record)
    expected.id = 1
    expected.release = "shop@2"
    expected.baseRelease = "shop@1"
    #expect(waiting.first == expected)
    #expect(waiting.map(\.incident.level) == [.critical, .ok])
    #expect(waiting.last?.ending == .ruleDeleted && waiting.last?.value == 7)
    // A channel that went meanwhile is left out.
    #expect(try store.deleteChannel(2))
    try Self.enqueue(store)
    #expect(
      try store.dueNotices(at: waiting[0].time).map(\.notice.key) == ["incident-1-1"])
    #expect(
      try store.notices(of: Self.organization, channel: nil, offset: 0, limit: 9).map(\.notice.key)
        == ["incident-1-2", "incident-1-1"])
  }

  @Test func theFileDeclaresItsRules() throws {
    let store = fixture.store
    let declare = { (names: [String]) throws(StoreError) in
      try store.declareAlertRules(
        names.map { (Self.organization, Self.draft($0)) }, at: Self.now)
    }
    _ = try store.saveAlertRule(Self.draft("own"), id: nil, of: Self.organization, at: Self.now)
    try declare(["a", "b"])
    #expect(try store.alertRules(of: nil).map(\.draft.name) == ["own", "a", "b"])
    #expect(throws: StoreError.self) { try delete(2) }
    #expect(throws: StoreError.self) {
      try store.saveAlertRule(Self.draft("c"), id: 2, of: Self.organization, at: Self.now)
    }
    #expect(
      try store.muteAlertRule(id: 2, of: Self.organization, until: Self.now))
    // The declaration is atomic.
    #expect(throws: StoreError.self) { try declare(["b", "own"]) }
    #expect(try store.alertRules(of: nil).count == 3)
    try declare(["a"])
    #expect(try store.alertRules(of: nil).map(\.draft.name) == ["own", "a"])
    #expect(try store.alertRules(of: nil).last?.mutedUntil == Self.now)
  }

  @Test func evaluationsAreKeptAsLongAsCounts() throws {
    let fixture = try StoreFixture(retentionDays: 7)
    let store = fixture.store
    _ = try store.saveAlertRule(Self.draft(), id: nil, of: Self.organization, at: Self.now)
    for minute in [1, 8 * 1440] {
      try store.keepAlerts([result(try only(store), .ok, minute: minute)])
    }
    try fixture.housekeep(at: Timestamp(minute: Self.now.minute + 8 * 1440))
    #expect(try fixture.number("SELECT count(*) FROM alert_evaluation") == 1)
    _ = try fixture.store.deleteAlertRule(
      id: 1, of: Self.organization, at: Self.now)
    try fixture.housekeep(at: Timestamp(minute: Self.now.minute + 8 * 1440))
    #expect(try fixture.number("SELECT count(*) FROM alert_evaluation") == 0)
  }

  /// The arrival log adds up to the counts. A page begins where the one before ended.
  @Test func arrivalsAddUp() throws {
    let fixture = try StoreFixture()
    let start = Self.now
    for step in 0..<6 {
      try fixture.ingest(
        (0..<10).map {
          fixture.report(
            UInt64($0), started: start, status: step > $0 % 6 ? .crashed : .exited,
            release: "r\($0 % 2)")
        }, at: start.advanced(byMilliseconds: Int64(step) * 900_000))
    }
    var query = HealthQuery(projects: [fixture.project], minutes: start.minute..<start.minute + 60)
    query.groupBy = [.release]
    var steps: [Int] = []
    var sums: [String: SessionCounts] = [:]
    for change in try fixture.store.arrivals(query, from: nil).changes {
      steps.append(change.step)
      sums[change.key.release ?? "", default: SessionCounts()] += change.change
    }
    #expect(steps == steps.sorted() && Set(steps).count > 3)
    for group in try fixture.store.health(query) {
      #expect(sums[group.key.release ?? ""] == group.totals.sessions)
    }
    #expect(try fixture.store.firstArrivalHour() == nil)
    let rest = try fixture.store.arrivals(query, from: steps[5])
    #expect(rest.changes.map(\.step) == steps.filter { $0 >= steps[5] } && rest.next == nil)
  }
}
