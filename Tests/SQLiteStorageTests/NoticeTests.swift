import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

@Suite struct NoticeTests {
  private let directory: TemporaryDirectory
  private let store: SQLiteStore
  private let organization: OrganizationID
  private static let start = Timestamp(seconds: 1_767_225_600)

  init() throws {
    directory = try TemporaryDirectory()
    store = try SQLiteStore(
      .init(path: directory.path + "/hale.db", newSecret: [UInt8](repeating: 1, count: 32)))
    organization = try store.createOrganization(slug: "default", at: Self.start).id
  }

  private func channel(_ name: String) throws -> Int64 {
    try store.createChannel(
      organization: organization, name: name, kind: .slack, settings: "{}", at: Self.start
    ).id
  }

  private func notice(_ key: String, after milliseconds: Int64 = 0) -> Notice {
    Notice(
      key: key, action: .critical, title: "t", text: "x", webURL: nil, subject: "{}",
      created: Self.start.advanced(byMilliseconds: milliseconds))
  }

  private func due(_ milliseconds: Int64) throws -> [String] {
    try store.dueNotices(at: Self.start.advanced(byMilliseconds: milliseconds))
      .map { "\($0.channel) \($0.notice.key)" }
  }

  private func enqueue(_ notice: Notice, channel: Int64) throws {
    try store.write { (writer) throws(StoreError) in
      try NoticeTables(connection: writer.connection).enqueue(notice, channel: channel)
    }
  }

  @Test func aKeyIsQueuedOnce() throws {
    let (a, b) = (try channel("a"), try channel("b"))
    try enqueue(notice("1"), channel: a)
    try enqueue(notice("1", after: 5), channel: a)
    try enqueue(notice("1"), channel: b)
    #expect(try due(0) == ["1 1", "2 1"])
    #expect(
      try store.notices(of: organization, channel: a, offset: 0, limit: 9).map(\.notice)
        == [notice("1")])
  }

  @Test func theOldestGoesFirstAndTheOthersWaitBehindIt() throws {
    let a = try channel("a")
    try enqueue(notice("1"), channel: a)
    try enqueue(notice("2", after: 10), channel: a)
    #expect(try due(-1) == [])
    #expect(try due(20) == ["1 1"])
    let first = try #require(try store.dueNotices(at: Self.start).first)
    var progress = NoticeProgress()
    progress.attempts = 1
    progress.failure = "no"
    progress.nextAttempt = Self.start.advanced(byMilliseconds: 1000)
    try store.record(progress, of: first)
    #expect(try due(999) == [] && due(1000) == ["1 1"])
    #expect(try store.nextNoticeDue() == progress.nextAttempt)
    // A new notification retries the oldest one at once.
    try enqueue(notice("3", after: 500), channel: a)
    #expect(try due(499) == [] && due(500) == ["1 1"])
    progress.delivered = Self.start
    progress.nextAttempt = nil
    progress.failure = nil
    try store.record(progress, of: first)
    #expect(try due(500) == ["1 2"])
    #expect(
      try store.notices(of: organization, channel: nil, offset: 2, limit: 1).map(\.progress)
        == [progress])
  }

  @Test func channelsHaveNamesOfTheirOwn() throws {
    let a = try channel("a")
    #expect(throws: StoreError.conflict(.channel("a"))) { try channel("a") }
    _ = try channel("b")
    var changed = try #require(try store.channels(of: organization).first)
    changed.name = "b"
    #expect(throws: StoreError.conflict(.channel("b"))) {
      try store.updateChannel(changed)
    }
    changed.name = "a"
    changed.settings = "{\"x\":1}"
    #expect(try store.updateChannel(changed))
    #expect(try store.channels(of: nil).first == changed)
    try enqueue(notice("1"), channel: a)
    #expect(try store.deleteChannel(a) && !store.deleteChannel(a))
    #expect(try !store.updateChannel(changed))
    #expect(try due(0) == [] && store.channels(of: nil).map(\.name) == ["b"])
    // An id is never reused, so an outcome of the deleted channel is never taken for the new one's.
    #expect(try channel("c") == 3)
  }

  /// A channel cannot be renamed while an alert rule names it.
  @Test func aChannelThatARuleTellsKeepsItsName() throws {
    _ = try channel("team")
    var team = try #require(try store.channels(of: organization).first)
    var draft = AlertRuleDraft(
      name: "rule", rule: AlertRule(measure: .sessionCrashFree, projects: [], critical: 90),
      channels: ["team"])
    let rule = try #require(
      try store.saveAlertRule(draft, id: nil, of: organization, at: Self.start))
    team.settings = "{\"x\":1}"
    #expect(try store.updateChannel(team))
    team.name = "others"
    do throws(StoreError) {
      _ = try store.updateChannel(team)
      Issue.record("it was renamed")
    } catch {
      #expect(error.sentence.contains("'rule'"))
    }
    #expect(try store.channels(of: nil).map(\.name) == ["team"])
    draft.channels = []
    _ = try store.saveAlertRule(draft, id: rule.id, of: organization, at: Self.start)
    #expect(try store.updateChannel(team))
    #expect(try store.channels(of: nil).map(\.name) == ["others"])
  }

  @Test func whatNeverWaitedIsHistoryAtOnce() throws {
    let a = try channel("a")
    var progress = NoticeProgress()
    progress.attempts = 1
    progress.failure = "no"
    let id = try store.addToHistory(notice("t"), channel: a, progress)
    #expect(try due(.max / 2) == [] && store.nextNoticeDue() == nil)
    #expect(
      try store.notices(of: organization, channel: nil, offset: 0, limit: 9)
        == [NoticeRecord(id: id, channel: a, notice: notice("t"), progress: progress)])
  }
}
