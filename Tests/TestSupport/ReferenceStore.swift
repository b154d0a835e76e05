package import ReleaseHealth
package import Storage
internal import Locks

/// The model that stores are compared with: it keeps every raw report and computes each answer from
/// them. It shares no code with the reducer, so it cannot share its mistakes.
package final class ReferenceStore: SessionStore {
  struct Raw {
    /// The batches in the order of arrival.
    var batches: [IngestBatch] = []
    /// In the order of arrival.
    var admissions: [Admission] = []
    var stages: [SeriesKey: AdoptionStage] = [:]
    /// The time at which the first session of each series arrived.
    var seen: [SeriesKey: Timestamp] = [:]
    /// The releases that were created, or first seen in a session; without values from sessions.
    var releases: [ReleaseRecord] = []
    var lastRelease: Int64 = 0
    /// In the order in which they were stored, each with its release.
    var deploys: [(release: Name, deploy: Deploy)] = []
    var lastDeploy: Int64 = 0
    var adoption = ReferenceStages()

    func stage(of series: SeriesKey) -> AdoptionStage {
      stages[series] ?? adoption.times[series]?.stage ?? .lowAdoption
    }

    mutating func makeRelease(_ version: String, at now: Timestamp) -> Int {
      lastRelease += 1
      releases.append(
        ReleaseRecord(
          id: lastRelease, version: version, created: now, released: nil, ref: nil, url: nil,
          status: .open, projects: [], places: []))
      return releases.count - 1
    }
  }

  /// The contribution of a session, or of session aggregates: series, time, count, status, users.
  struct Fact {
    var series: SeriesKey
    var minute: Int
    var status: String
    var mechanism: String
    var count: Int64
    var users: Set<UserHash>
    /// The duration of a session that exited.
    var duration: Int64?
  }

  /// The organization of all projects.
  static let organization = OrganizationID(rawValue: 1)

  let raw = Locked(Raw())

  package init() {}

  /// - Parameter releases: with their places, from the oldest to the newest.
  package init(releases: [ReleaseRecord]) {
    var times: [SeriesKey: AdoptionTimes] = [:]
    raw.withLock { raw in
      raw.releases = releases
      for release in releases {
        for place in release.places {
          let series = SeriesKey(
            project: place.project, release: release.version, environment: place.environment)
          raw.seen[series] = place.firstSeen
          times[series] = place.adoption
        }
      }
      raw.adoption = ReferenceStages(times: times)
    }
  }

  var snapshot: Raw { raw.withLock { $0 } }

  /// Sets adoption stages, which take precedence over the computed ones in later queries.
  package func setStages(_ stages: [SeriesKey: AdoptionStage]) {
    raw.withLock { $0.stages = stages }
  }

  @discardableResult
  package func ingest(_ batch: IngestBatch) throws(StoreError) -> [OutcomeKey: Int64] {
    raw.withLock { raw in
      let batch = raw.admitted(batch)
      raw.batches.append(batch)
      for series in batch.series {
        if raw.seen[series] != nil { continue }
        raw.seen[series] = batch.receivedAt
        if !raw.releases.contains(where: { Name($0.version) == Name(series.release) }) {
          _ = raw.makeRelease(series.release, at: batch.receivedAt)
        }
      }
      return batch.outcomes
    }
  }

  package func checkWritable() throws(StoreError) {}

  package func housekeep(at now: Timestamp) throws(StoreError) -> Bool { false }

  package func foldPending(
    receivedBy time: Timestamp?
  ) throws(StoreError) -> [OutcomeKey: Int64]? {
    nil
  }

  package func snapshot<Value: Sendable>(
    of projects: Set<ProjectID>?, _ body: (any StoreSnapshot) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let copy = ReferenceStore()
    let raw = snapshot
    copy.raw.withLock { $0 = raw }
    return try body(copy)
  }

  package func health(_ query: HealthQuery) throws(StoreError) -> [HealthGroup] {
    let groups = health(query) { query.filter.matches($0, stage: $1) }
    guard let max = query.groupsMax, groups.count > max else { return groups }
    return groups.sorted { $0.totals.sessions.total > $1.totals.sessions.total }.prefix(max)
      .sorted { $0.key < $1.key }
  }

  /// Queries the counts with another filter than the query's.
  package func health(
    _ query: HealthQuery, where counts: (SeriesKey, AdoptionStage) -> Bool
  ) -> [HealthGroup] {
    // A range in the future has no minutes.
    if query.minutes.isEmpty { return [] }
    let raw = snapshot
    var facts = facts
    facts = facts.filter { fact in
      query.projects.contains(fact.series.project)
        && counts(fact.series, raw.stage(of: fact.series))
    }
    // Durations exist for whole hours.
    let firstHour = Self.hour(query.minutes.lowerBound)
    let lastHour = Self.hour(query.minutes.upperBound - 1)
    let timed = facts.filter { (firstHour...lastHour).contains(Self.hour($0.minute)) }
    facts = facts.filter { query.minutes.contains($0.minute) }
    func cell(_ facts: [Fact], _ timed: [Fact]) -> HealthCell {
      var cell = HealthCell()
      if query.measures.contains(.durations) {
        cell.durations = Self.summary(timed.compactMap(\.duration))
      }
      func sum(_ status: String) -> Int64 {
        facts.filter { $0.status == status }.reduce(0) { $0 + $1.count }
      }
      func users(_ condition: (Fact) -> Bool) -> Set<UserHash> {
        facts.filter(condition).reduce(into: []) { $0.formUnion($1.users) }
      }
      if query.measures.contains(.sessions) {
        cell.sessions = SessionCounts(
          healthy: sum("healthy"), errored: sum("errored"), unhandled: sum("unhandled"),
          abnormal: sum("abnormal"), crashed: sum("crashed"))
      }
      if query.measures.contains(.users) {
        var left = users { _ in true }
        func take(_ status: String) -> Int64 {
          let taken = left.intersection(users { $0.status == status })
          left.subtract(taken)
          return Int64(taken.count)
        }
        let (crashed, abnormal) = (take("crashed"), take("abnormal"))
        let (unhandled, errored) = (take("unhandled"), take("errored"))
        cell.users.byWorst = SessionCounts(
          healthy: take("healthy"), errored: errored, unhandled: unhandled, abnormal: abnormal,
          crashed: crashed)
        let failures: Set = ["crashed", "unhandled"]
        cell.users.withFailure = Int64(users { failures.contains($0.status) }.count)
        cell.users.withUnhandled = Int64(users { $0.status == "unhandled" }.count)
        cell.users.withFailure = Int64(
          users { ["crashed", "unhandled"].contains($0.status) }.count)
        cell.users.withAbnormal = Int64(users { $0.status == "abnormal" }.count)
        cell.users.withANR = Int64(users { $0.mechanism != "" }.count)
        cell.users.withForegroundANR = Int64(users { $0.mechanism == "foreground" }.count)
      }
      return cell
    }
    let groups = Dictionary(grouping: facts) { query.groupKey(of: $0.series) }
    let timedGroups = Dictionary(grouping: timed) { query.groupKey(of: $0.series) }
    return Set(groups.keys).union(timedGroups.keys).map { key in
      let facts = groups[key] ?? []
      let timed = timedGroups[key] ?? []
      func bucket(_ minute: Int) -> Int {
        (minute - query.minutes.lowerBound) / query.intervalMinutes!
      }
      return HealthGroup(
        key: key, totals: cell(facts, timed),
        series: (0..<query.bucketCount).map { index in
          cell(
            facts.filter { bucket($0.minute) == index },
            timed.filter {
              bucket(max(Self.hour($0.minute) * 60, query.minutes.lowerBound)) == index
            })
        })
    }
    .filter { $0.totals != HealthCell() }
    .sorted { $0.key < $1.key }
  }

  /// The contributions of all reports and aggregates.
  var facts: [Fact] {
    let batches = snapshot.batches
    let sessions = Dictionary(grouping: batches.flatMap(\.named), by: \.key)
    return sessions.map { Self.fact(of: $0.value.map(\.report), in: $0.key.series) }
      + batches.flatMap(\.namedAggregates).flatMap(Self.facts)
  }

  /// - Parameter reports: the reports of one session, in any order.
  static func fact(of reports: [SessionReport], in series: SeriesKey) -> Fact {
    let statuses = reports.map { report -> String in
      switch report.severity {
      case .crashed: "crashed"
      case .abnormal: "abnormal"
      case .unhandled: "unhandled"
      case .errored: "errored"
      case .healthy: "healthy"
      }
    }
    let hung = reports.map(\.mechanism)
    let milliseconds = reports.map(\.correctedStart.milliseconds).sorted()[0]
    let users = Set(reports.compactMap(\.user)).sorted { $0.value < $1.value }
    return Fact(
      series: series, minute: Int((Double(milliseconds) / 60_000).rounded(.down)),
      status: worstFirst.first { statuses.contains($0) } ?? "healthy",
      mechanism: hung.contains(.foreground)
        ? "foreground" : hung.contains(.background) ? "background" : "",
      count: 1, users: Set(users.prefix(DomainLimits.usersPerSessionMax)),
      duration: reports.contains { $0.hasExited }
        ? reports.compactMap(\.durationMilliseconds).max() : nil)
  }

  static func facts(of aggregate: NamedAggregate) -> [Fact] {
    let sessions = aggregate.sessions
    // Only a single session has a duration.
    var duration = sessions.durationMilliseconds
    let counts = [
      "healthy": sessions.counts.healthy, "errored": sessions.counts.errored,
      "unhandled": sessions.counts.unhandled, "abnormal": sessions.counts.abnormal,
      "crashed": sessions.counts.crashed,
    ]
    return counts.filter { $0.value > 0 }.map { status, count in
      defer { duration = nil }
      return Fact(
        series: aggregate.series,
        minute: Int((Double(sessions.correctedStart.milliseconds) / 60_000).rounded(.down)),
        status: status,
        mechanism: sessions.mechanism == .foreground
          ? "foreground" : sessions.mechanism == .background ? "background" : "",
        count: count, users: sessions.user.map { [$0] } ?? [], duration: duration)
    }
  }

  private static let worstFirst = ["crashed", "abnormal", "unhandled", "errored", "healthy"]

  static func hour(_ minute: Int) -> Int {
    Int((Double(minute) / 60).rounded(.down))
  }

  /// Computes a summary by the definitions, from all durations: a store may differ by
  /// ``DurationSummary/relativeErrorMax``.
  private static func summary(_ durations: [Int64]) -> DurationSummary? {
    if durations.isEmpty { return nil }
    let sorted = durations.map(Double.init).sorted()
    func quantile(_ share: Double) -> Double {
      let place = share * Double(sorted.count - 1)
      let below = sorted[Int(place)]
      let above = sorted[min(Int(place) + 1, sorted.count - 1)]
      return below + (above - below) * (place - place.rounded(.down))
    }
    return DurationSummary(
      average: sorted.reduce(0, +) / Double(sorted.count), p50: quantile(0.5), p75: quantile(0.75),
      p90: quantile(0.9), p95: quantile(0.95), p99: quantile(0.99), longest: sorted.last ?? 0)
  }
}

extension IngestBatch {
  /// The reports with the keys of their sessions.
  var named: [(key: SessionKey, report: SessionReport)] {
    reports.map { report in
      let key = SessionKey(
        series: series[report.series], started: report.started, sessionID: report.sessionID)
      return (key, report)
    }
  }

  var namedAggregates: [NamedAggregate] {
    aggregated.map { NamedAggregate(series: series[$0.series], $0) }
  }
}
