import Bytes
import Foundation
import ReleaseHealth
import SQLiteStorage
import Storage
import TestSupport
import Testing

@testable import Queries

/// Answers are exact: random histories go through the real store, random queries through the
/// service, and the answers are compared with every single session, counted by the model.
///
/// A search is text for the service and a condition for the model. Ranges, rates and orders are
/// computed a second time, from Sentry's page "Retrieve Release Health Session Statistics".
@Suite struct RandomQueryTests {
  @Test(arguments: 0..<10 as Range<UInt64>)
  func anyQuestionIsAnsweredWithTheModelsNumbers(seed: UInt64) throws {
    var world = try QueryWorld(seed: seed)
    for number in 0..<40 {
      let question = Question(&world)
      let reply = try Reply.whole(question.items, world)
      try question.check(reply, world, "seed \(seed), question \(number)")
    }
  }

  /// Sessions of the hours add up to the total; users do so only where none is in two hours.
  @Test(arguments: 200..<240 as Range<UInt64>)
  func usersAddUpOnlyWhereTheyAreOthers(seed: UInt64) throws {
    let directory = try TemporaryDirectory()
    let store = try QueryWorld.store(in: directory)
    var random = SplitMix64(seed: seed)
    let end = Timestamp(seconds: 1_773_576_000)
    let people = Int.random(in: 1...20, using: &random)
    var hours: [Set<Int>] = []
    var batch = IngestBatch(receivedAt: end)
    for hour in 1...3 as ClosedRange<Int64> {
      let users = Set(
        (0..<Int.random(in: 0...3, using: &random)).map { _ in
          Int.random(in: 1...people, using: &random)
        })
      hours.append(users)
      let started = end.advanced(byMilliseconds: -hour * 3_600_000 + 60_000)
      for user in users {
        let key = SessionKey(
          series: SeriesKey(project: ProjectID(rawValue: 1), release: "a", environment: nil),
          started: started, sessionID: SessionID(value: UInt128(batch.reports.count)))
        batch.add(
          NamedReport(
            key: key, correctedStart: started, status: .exited,
            user: UserHash(value: UInt128(user))))
      }
    }
    try store.ingest(batch)
    let request = try SessionsRequest(
      [("field", "sum(session)"), ("field", "count_unique(user)"), ("statsPeriod", "3h")],
      projects: QueryWorld.projects, now: end)
    let group = try #require(try Reply(request, store).groups.first)
    func isSum(_ field: String) throws -> Bool {
      let series = try #require(group.series?[field])
      return try #require(group.totals?[field]) == series.reduce(0) { $0 + ($1 ?? 0) }
    }
    #expect(group.series?["count_unique(user)"] == hours.reversed().map { Double($0.count) })
    let all = hours.flatMap(\.self)
    #expect(group.totals?["count_unique(user)"] == Double(Set(all).count))
    #expect(try isSum("sum(session)"))
    #expect(try isSum("count_unique(user)") == (Set(all).count == all.count))
  }

  /// The pages of any query together are its groups.
  @Test(arguments: 100..<104 as Range<UInt64>)
  func pagesMakeTheWhole(seed: UInt64) throws {
    var world = try QueryWorld(seed: seed)
    for _ in 0..<10 {
      let question = Question(&world)
      let whole = try Reply.whole(question.items, world).groups.map(\.description)
      let size = Int.random(in: 1...4, using: &world.generator.random)
      var cursor: String? = "0:0:0"
      var paged: [String] = []
      while let at = cursor {
        let page = try Reply(question.items + [("per_page", "\(size)"), ("cursor", at)], world)
        paged += page.groups.map(\.description)
        cursor = page.nextCursor
      }
      // The page size counts groups of other keys; each is split by status.
      #expect(paged == whole, "seed \(seed): \(question.items)")
    }
  }
}

/// Two projects with a history of ten days, in the store and in the model.
struct QueryWorld {
  static let projects = [SessionsFixtures.project(1, "one"), SessionsFixtures.project(2, "two")]

  /// The parts of the releases' names, written out independently of the parser.
  struct Release {
    var name: String
    var package: String?
    var numbers: [Int]?
    var build: String?
  }

  static let releases = [
    Release(name: "shop@1.0.0", package: "shop", numbers: [1, 0, 0]),
    Release(name: "shop@1.2.0+7", package: "shop", numbers: [1, 2, 0], build: "7"),
    Release(name: "shop@1.10.0+12", package: "shop", numbers: [1, 10, 0], build: "12"),
    Release(name: "Till@1.10+ab", package: "Till", numbers: [1, 10, 0], build: "ab"),
    Release(name: "till@2.0", package: "till", numbers: [2, 0, 0]),
    Release(name: "nightly"),
  ]
  static let environments = ["", "production", "staging"]

  let directory: TemporaryDirectory
  let store: SQLiteStore
  let model = ReferenceStore()
  var generator: ReportGenerator
  var now = Timestamp(seconds: 1_773_578_096)

  /// A store with the two projects.
  static func store(in directory: TemporaryDirectory) throws -> SQLiteStore {
    let store = try SQLiteStore(
      .init(path: directory.path + "/hale.db", newSecret: [UInt8](repeating: 7, count: 32)))
    let created = Timestamp(seconds: 0)
    let organization = try store.createOrganization(slug: "default", at: created)
    for project in projects {
      _ = try store.createProject(
        organization: organization.id, slug: project.slug, settings: ProjectSettings(), id: nil,
        publicKey: String(repeating: "\(project.id.rawValue)", count: 32), at: created)
    }
    return store
  }

  init(seed: UInt64) throws {
    directory = try TemporaryDirectory()
    store = try Self.store(in: directory)
    generator = ReportGenerator(seed: seed)
    generator.releases = Self.releases.map(\.name)
    for _ in 0..<4 {
      let end = now.milliseconds + 60_000
      // Most sessions have just begun.
      for (count, hours) in [(40, 119), (40, 20), (30, 1)] as [(Int, Int64)] {
        let range = end - hours * 3_600_000..<end
        var reports = (0..<count).flatMap { _ in generator.session(startedIn: range) }
        reports += reports.filter { _ in Int.random(in: 0..<4, using: &generator.random) == 0 }
        reports.shuffle(using: &generator.random)
        var batch = IngestBatch(receivedAt: now)
        batch.add(reports)
        batch.add([generator.aggregate(startedIn: range)])
        try store.ingest(batch)
        try model.ingest(batch)
      }
      _ = try store.runAdoption(at: now)
      _ = try model.runAdoption(at: now)
      let hours = Int64.random(in: 1...60, using: &generator.random)
      now = now.advanced(byMilliseconds: hours * 3_600_000 - hours * 61_007)
      while try store.housekeep(at: now) {}
    }
  }
}

/// A query, as the parameters of a request and as their meaning.
private struct Question {
  static let statuses = ["abnormal", "crashed", "errored", "healthy", "unhandled"]
  static let keys = ["project", "release", "environment"]

  var fields: [String] = []
  /// The keys of `groupBy` without `session.status`.
  var groupBy: [String] = []
  var isByStatus = false
  var filter: Set<String>?
  var environments: [String] = []
  var projects: Set<Int64> = [1, 2]
  var search: Search?
  var range = (start: 0, end: 0)
  var interval = 0
  var withTotals = true
  var withSeries = true
  var orderBy: String?
  var items: [(name: String, value: String)] = []

  init(_ world: inout QueryWorld) {
    chooseGroups(&world.generator.random)
    chooseRange(&world.generator.random, now: Int(world.now.milliseconds))
    chooseSearch(&world.generator.random)
    chooseFields(&world.generator.random)
    items += fields.map { ("field", $0) } + groupBy.map { ("groupBy", $0) }
    if isByStatus { items.append(("groupBy", "session.status")) }
    if !withTotals { items.append(("includeTotals", "0")) }
    if !withSeries { items.append(("includeSeries", "0")) }
    if let orderBy { items.append(("orderBy", orderBy)) }
  }

  private mutating func chooseGroups(_ random: inout SplitMix64) {
    groupBy = Self.keys.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
    isByStatus = Int.random(in: 0..<4, using: &random) == 0
    switch Int.random(in: 0..<6, using: &random) {
    case 0: withTotals = false
    case 1: withSeries = false
    default: break
    }
    if Int.random(in: 0..<4, using: &random) == 0 {
      // A search may name only selected projects, and it names this one.
      projects = [1]
      items.append(("project", Bool.random(using: &random) ? "one" : "1"))
    }
    if Int.random(in: 0..<3, using: &random) == 0 {
      environments = Array(
        QueryWorld.environments.shuffled(using: &random)
          .prefix(Int.random(in: 1...2, using: &random)))
      items += environments.map { ("environment", $0) }
    }
  }

  /// Widens the range, which may end in the future, to whole intervals, in milliseconds.
  private mutating func chooseRange(_ random: inout SplitMix64, now: Int) {
    let (hour, minute) = (3_600_000, 60_000)
    let isFine = Int.random(in: 0..<4, using: &random) == 0
    interval =
      (isFine
      ? [1, 5, 15, 30, 90] : [60, 120, 360, 720, 1440]).randomElement(using: &random)! * minute
    items.append(("interval", "\(interval / minute)m"))
    var (start, end) = (0, now)
    let length =
      isFine
      ? Int.random(in: 1...min(3500, 900 * interval / minute), using: &random)
      : Int.random(in: 1...14 * 1440, using: &random) / (interval < 3 * hour ? 4 : 1) + 1
    switch Int.random(in: 0..<4, using: &random) {
    case 0, 1:
      start = now - length * minute
      items += [("statsPeriod", "\(length)m"), ("start", "2026-01-01")]
    case 2:
      let later = Int.random(in: 0..<min(length, 3000), using: &random)
      (start, end) = (now - (length + later) * minute, now - later * minute)
      items += [("statsPeriodStart", "\(length + later)m"), ("statsPeriodEnd", "\(later)m")]
    default:
      end = (now + Int.random(in: -60 * hour...3 * hour, using: &random)) / 1000 * 1000
      start = end - length * minute
      for (name, time) in [("start", start), ("end", end)] {
        items.append((name, RFC3339.format(Timestamp(milliseconds: Int64(time)))))
      }
    }
    let (first, last) = (min(start, now) / interval, (end + interval - 1) / interval)
    range = (first * interval, last * interval)
  }

  private mutating func chooseSearch(_ random: inout SplitMix64) {
    var texts: [String] = []
    if Int.random(in: 0..<3, using: &random) > 0 {
      let search = Search.random(&random, withStages: environments.count == 1)
      self.search = search
      texts.append(search.text)
    }
    if Int.random(in: 0..<4, using: &random) == 0 {
      let named = Self.statuses.shuffled(using: &random)
        .prefix(Int.random(in: 1...4, using: &random))
      let isNegated = Bool.random(using: &random)
      filter = isNegated ? Set(Self.statuses).subtracting(named) : Set(named)
      let values = named.count == 1 ? named[0] : "[\(named.joined(separator: ","))]"
      texts.append("\(isNegated ? "!" : "")session.status:\(values)")
    }
    texts.shuffle(using: &random)
    items.append(("query", texts.joined(separator: " AND ")))
  }

  private mutating func chooseFields(_ random: inout SplitMix64) {
    let isPlain = !isByStatus && filter == nil
    let allowed = SessionsField.allCases.map(\.rawValue).filter { field in
      if field == "sum(session)" { return true }
      if field == "count_unique(user)" { return isByStatus || filter?.count ?? 1 == 1 }
      if field.hasSuffix("(session.duration)") { return interval % 3_600_000 == 0 }
      return isPlain
    }
    fields = Array(allowed.shuffled(using: &random).prefix(Int.random(in: 1...6, using: &random)))
    guard !isByStatus, filter?.count ?? 1 == 1, Int.random(in: 0..<3, using: &random) == 0 else {
      return
    }
    orderBy = ["", "-"].randomElement(using: &random)! + fields.randomElement(using: &random)!
  }

  // MARK: What is expected

  private var healthQuery: HealthQuery {
    var query = HealthQuery(
      projects: Set(projects.map(ProjectID.init(rawValue:))),
      minutes: range.start / 60_000..<range.end / 60_000)
    query.intervalMinutes = withSeries ? interval / 60_000 : nil
    if groupBy.contains("project") { query.groupBy.insert(.project) }
    if groupBy.contains("release") { query.groupBy.insert(.release) }
    if groupBy.contains("environment") { query.groupBy.insert(.environment) }
    query.measures = []
    for field in fields where isTold(field) {
      query.measures.insert(
        field.contains("duration") ? .durations : field.contains("(session)") ? .sessions : .users)
    }
    return query
  }

  /// Whether a series matches the request's parameters.
  private func counts(_ series: SeriesKey, _ stage: AdoptionStage, _ latest: Latest) -> Bool {
    (environments.isEmpty || environments.contains(series.environment ?? ""))
      && search?.holds(series, stage, latest) ?? true
  }

  /// Of the releases that the rest of the query counts, the highest of the package that has the
  /// most sessions; of equal packages the higher one.
  private func latest(_ model: ReferenceStore) throws -> String? {
    var query = healthQuery
    query.intervalMinutes = nil
    query.groupBy = [.release]
    query.measures = .sessions
    let found = try model.candidates(query) { counts($0, $1, .undecided) }
    var sessions: [String?: Int64] = [:]
    // From the lowest to the highest: what has no version is lowest.
    let ascending = [QueryWorld.releases.last!] + QueryWorld.releases.dropLast()
    let counted = ascending.filter { release in found.contains { $0.key.release == release.name } }
    for group in found {
      let release = counted.first { $0.name == group.key.release }
      sessions[release?.package, default: 0] += group.totals.sessions.total
    }
    let most = sessions.values.max()
    return counted.last { sessions[$0.package] == most }?.name
  }

  /// The values of a field; nil is null.
  private static func value(_ field: String, _ cell: HealthCell, _ statuses: Set<String>?)
    -> Double?
  {
    func sum(_ counts: SessionCounts, _ names: Set<String>) -> Double {
      let all = [
        "healthy": counts.healthy, "errored": counts.errored, "unhandled": counts.unhandled,
        "abnormal": counts.abnormal, "crashed": counts.crashed,
      ]
      return Double(all.filter { names.contains($0.key) }.values.reduce(0, +))
    }
    let every = Set(Self.statuses)
    func share(_ part: Double, _ whole: Double) -> Double? { whole == 0 ? nil : part / whole }
    let (sessions, users) = (cell.sessions, cell.users)
    let (allSessions, allUsers) = (sum(sessions, every), sum(users.byWorst, every))
    let times = statuses?.contains("healthy") ?? true ? cell.durations : nil
    switch field {
    case "sum(session)": return sum(sessions, statuses ?? every)
    case "count_unique(user)": return sum(users.byWorst, statuses ?? every)
    case "crash_rate(session)": return share(sum(sessions, ["crashed"]), allSessions)
    case "crash_free_rate(session)":
      return share(allSessions - sum(sessions, ["crashed"]), allSessions)
    case "failure_free_rate(session)":
      return share(allSessions - sum(sessions, ["crashed", "unhandled"]), allSessions)
    case "errored_rate(session)": return share(sum(sessions, ["errored"]), allSessions)
    case "unhandled_rate(session)": return share(sum(sessions, ["unhandled"]), allSessions)
    case "abnormal_rate(session)": return share(sum(sessions, ["abnormal"]), allSessions)
    case "unhealthy_rate(session)":
      return share(sum(sessions, every.subtracting(["healthy"])), allSessions)
    case "crash_rate(user)": return share(sum(users.byWorst, ["crashed"]), allUsers)
    case "crash_free_rate(user)":
      return share(allUsers - sum(users.byWorst, ["crashed"]), allUsers)
    case "failure_free_rate(user)":
      return share(allUsers - Double(users.withFailure), allUsers)
    case "errored_rate(user)": return share(sum(users.byWorst, ["errored"]), allUsers)
    case "unhandled_rate(user)": return share(Double(users.withUnhandled), allUsers)
    case "abnormal_rate(user)": return share(Double(users.withAbnormal), allUsers)
    case "anr_rate()": return share(Double(users.withANR), allUsers)
    case "foreground_anr_rate()": return share(Double(users.withForegroundANR), allUsers)
    case "avg(session.duration)": return times?.average
    case "p50(session.duration)": return times?.p50
    case "p75(session.duration)": return times?.p75
    case "p90(session.duration)": return times?.p90
    case "p95(session.duration)": return times?.p95
    case "p99(session.duration)": return times?.p99
    case "max(session.duration)": return times?.longest
    default:
      Issue.record("\(field) is not known here")
      return nil
    }
  }

  /// Whether a field has a value: durations have none where healthy sessions are excluded.
  private func isTold(_ field: String) -> Bool {
    !field.contains("duration") || filter?.contains("healthy") ?? true
  }

  /// The groups by status.
  private var listed: [String] { Self.statuses.filter { filter?.contains($0) ?? true } }

  private struct Expected {
    var by: String
    var totals: [String: Double?]
    var series: [String: [Double?]]
  }

  private func expected(_ model: ReferenceStore) throws -> [Expected] {
    if !fields.contains(where: isTold) { return [] }
    let latest = Latest.release(try latest(model))
    var groups = model.health(healthQuery) { counts($0, $1, latest) }
    let points = withSeries ? healthQuery.bucketCount : 0
    if groups.isEmpty, groupBy.isEmpty {
      groups = [
        HealthGroup(
          key: GroupKey(), totals: HealthCell(),
          series: Array(repeating: HealthCell(), count: points))
      ]
    }
    return groups.flatMap { group in
      (isByStatus ? listed : [""]).map { status in
        let counted = status.isEmpty ? filter : [status]
        var by: [String] = []
        if let project = group.key.project { by.append("project=\(project.rawValue)") }
        if let release = group.key.release { by.append("release=\(release)") }
        if let environment = group.key.environment { by.append("environment=\(environment)") }
        if !status.isEmpty { by.append("session.status=\(status)") }
        var expected = Expected(by: by.sorted().joined(separator: "&"), totals: [:], series: [:])
        for field in fields {
          expected.totals[field] = .some(Self.value(field, group.totals, counted))
          expected.series[field] = group.series.map { Self.value(field, $0, counted) }
        }
        return expected
      }
    }
  }

  func check(_ reply: Reply, _ world: QueryWorld, _ name: Comment) throws {
    let said: Comment = "\(name): \(items)"
    let starts = Array(stride(from: range.start, to: range.end, by: interval))
    #expect(
      reply.intervals == starts.map { RFC3339.format(Timestamp(milliseconds: Int64($0))) }, said)
    let wanted = try expected(world.model)
    #expect(Set(reply.groups.map(\.by)) == Set(wanted.map(\.by)), said)
    #expect(reply.groups.count == wanted.count, said)
    for group in wanted {
      guard let found = reply.groups.first(where: { $0.by == group.by }) else { continue }
      #expect((found.totals == nil) == !withTotals && (found.series == nil) == !withSeries, said)
      for field in fields {
        if withTotals {
          expectNear(found.totals?[field], group.totals[field], field, "\(said) \(group.by)")
        }
        guard withSeries else { continue }
        let series = found.series?[field] ?? []
        #expect(series.count == starts.count, said)
        for (point, value) in zip(series, group.series[field] ?? []) {
          expectNear(point, value, field, "\(said) series of \(group.by)")
        }
        guard withTotals, let total = found.totals?[field] ?? nil else { continue }
        let sum = series.reduce(0) { $0 + ($1 ?? 0) }
        // Sessions add up; users do so only where none is in two buckets.
        if field == "sum(session)" { #expect(total == sum, said) }
        if field == "count_unique(user)", !isByStatus, filter == nil {
          #expect(total <= sum && total >= series.reduce(0) { max($0, $1 ?? 0) }, said)
        }
      }
    }
    checkOrder(reply, said)
  }

  /// Compares times with the documented tolerance, and all other values exactly.
  private func expectNear(
    _ found: Double??, _ wanted: Double??, _ field: String, _ said: Comment
  ) {
    guard let found, let wanted else {
      Issue.record("a value is missing: \(said)")
      return
    }
    guard let found, let wanted else {
      #expect(found == wanted, "\(field), \(said)")
      return
    }
    let isRead = field.contains("duration") && !field.hasPrefix("avg")
    let allowed = wanted * (isRead ? DurationSummary.relativeErrorMax : 1e-12)
    #expect(abs(found - wanted) <= allowed, "\(field), \(said)")
  }

  /// Checks the order: by `orderBy`, else by sessions, else by the first field, the highest first
  /// and missing values last. Groups by status stay together, in the order of the statuses.
  private func checkOrder(_ reply: Reply, _ said: Comment) {
    if isByStatus {
      let found = reply.groups.map { $0.by.split(separator: "session.status=").last ?? "" }
      let each = listed.map { $0[...] }
      #expect(
        found == Array(repeating: each, count: found.count / each.count).flatMap(\.self), said)
      return
    }
    guard withTotals else { return }
    let field =
      orderBy.map { $0.hasPrefix("-") ? String($0.dropFirst()) : $0 }
      ?? (fields.contains("sum(session)") ? "sum(session)" : fields.first(where: isTold) ?? "")
    let isAscending = orderBy.map { !$0.hasPrefix("-") } ?? false
    let ranks = reply.groups.map { $0.totals?[field] ?? nil }
    let known = ranks.compactMap(\.self)
    #expect(known == (isAscending ? known.sorted() : known.sorted().reversed()), said)
    #expect(ranks.drop { $0 != nil }.allSatisfy { $0 == nil }, said)
  }
}

/// An answer of the service, as a client reads it.
private struct Reply {
  struct Group: CustomStringConvertible {
    /// The keys, sorted, as `key=value&key=value`.
    var by: String
    var totals: [String: Double?]?
    var series: [String: [Double?]]?

    var description: String {
      let totals = (totals ?? [:]).sorted { $0.key < $1.key }.map { "\($0) \($1 ?? -1)" }
      let series = (series ?? [:]).sorted { $0.key < $1.key }.map { "\($0) \($1)" }
      return "\(by): \(totals) \(series)"
    }
  }

  var intervals: [String]
  var groups: [Group]
  /// The cursor of the next page; nil on the last one.
  var nextCursor: String?

  init(_ items: [(name: String, value: String)], _ world: QueryWorld) throws {
    let request = try SessionsRequest(items, projects: QueryWorld.projects, now: world.now)
    try self.init(request.namingLatest(world.store), world.store)
  }

  /// Collects all pages of an answer. A page has at most 10,000 numbers a field.
  static func whole(_ items: [(name: String, value: String)], _ world: QueryWorld) throws -> Reply {
    var whole = try Reply(items, world)
    while let cursor = whole.nextCursor {
      let page = try Reply(items + [("cursor", cursor)], world)
      whole.groups += page.groups
      whole.nextCursor = page.nextCursor
    }
    return whole
  }

  init(_ request: SessionsRequest, _ store: any SessionStore) throws {
    let answer = try SessionsAnswer(request, store: store)
    let link = answer.linkHeader(url: "http://hale/")
    let next = link.firstMatch(of: /rel="next"; results="true"; cursor="([^"]+)"/)
    nextCursor = next.map { String($0.1) }
    let body = try JSONSerialization.jsonObject(with: Data(answer.json)) as? [String: Any]
    intervals = try #require(body?["intervals"] as? [String])
    let groups = try #require(body?["groups"] as? [[String: Any]])
    self.groups = groups.map { group in
      let by = (group["by"] as? [String: Any] ?? [:]).map { "\($0.key)=\($0.value)" }
      return Group(
        by: by.sorted().joined(separator: "&"),
        totals: (group["totals"] as? [String: Any])?.mapValues { ($0 as? NSNumber)?.doubleValue },
        series: (group["series"] as? [String: [Any]])?.mapValues { series in
          series.map { ($0 as? NSNumber)?.doubleValue }
        })
    }
  }
}
