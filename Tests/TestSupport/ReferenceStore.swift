package import ReleaseHealth
package import Storage
internal import Locks

/// The model that stores are compared with: it keeps every raw report and computes each answer from
/// them. It shares no code with the reducer, so it cannot share its mistakes.
package final class ReferenceStore: SessionStore {
  private struct Raw {
    var reports: [(key: SessionKey, report: SessionReport)] = []
    var aggregates: [NamedAggregate] = []
    var stages: [Scope: AdoptionStage] = [:]
  }

  private let raw = Locked(Raw())

  package init() {}

  /// Sets the adoption stages for later queries; all series that are not listed are low.
  package func setStages(_ stages: [Scope: AdoptionStage]) {
    raw.withLock { $0.stages = stages }
  }

  @discardableResult
  package func ingest(_ batch: IngestBatch) throws(StoreError) -> [OutcomeKey: Int64] {
    raw.withLock {
      for report in batch.reports {
        let key = SessionKey(
          scope: batch.series[report.series], started: report.started, sessionID: report.sessionID)
        $0.reports.append((key, report))
      }
      for sessions in batch.aggregated {
        $0.aggregates.append(NamedAggregate(scope: batch.series[sessions.series], sessions))
      }
    }
    return batch.outcomes
  }

  package func checkWritable() throws(StoreError) {}

  package func housekeep(at now: Timestamp) throws(StoreError) -> Bool { false }

  package func settle(
    whatArrivedBy time: Timestamp?
  ) throws(StoreError) -> [OutcomeKey: Int64]? {
    nil
  }

  package func health(_ query: HealthQuery) throws(StoreError) -> [HealthGroup] {
    health(query) { query.filter.matches($0, stage: $1) }
  }

  /// Queries the counts with another filter than the query's.
  package func health(
    _ query: HealthQuery, where counts: (Scope, AdoptionStage) -> Bool
  ) -> [HealthGroup] {
    // A range in the future has no minutes.
    if query.minutes.isEmpty { return [] }
    let raw = raw.withLock { $0 }
    // The contribution of each session: series, time, count, status, user.
    struct Fact {
      var scope: Scope
      var minute: Int
      var status: String
      var mechanism: String
      var count: Int64
      var users: Set<UserHash>
      /// The duration of a session that exited.
      var duration: Int64?
    }
    var facts: [Fact] = []
    for (key, pairs) in Dictionary(grouping: raw.reports, by: \.key) {
      let reports = pairs.map(\.report)
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
      facts.append(
        Fact(
          scope: key.scope, minute: Int((Double(milliseconds) / 60_000).rounded(.down)),
          status: Self.worstFirst.first { statuses.contains($0) } ?? "healthy",
          mechanism: hung.contains(.foreground)
            ? "foreground" : hung.contains(.background) ? "background" : "",
          count: 1, users: Set(reports.compactMap(\.user)),
          duration: reports.contains { $0.hasExited }
            ? reports.compactMap(\.durationMilliseconds).max() : nil))
    }
    for (scope, sessions) in raw.aggregates.map({ ($0.scope, $0.sessions) }) {
      // Only a single session has a duration.
      var duration = sessions.durationMilliseconds
      let counts = [
        "healthy": sessions.counts.healthy, "errored": sessions.counts.errored,
        "unhandled": sessions.counts.unhandled, "abnormal": sessions.counts.abnormal,
        "crashed": sessions.counts.crashed,
      ]
      for (status, count) in counts where count > 0 {
        facts.append(
          Fact(
            scope: scope,
            minute: Int((Double(sessions.correctedStart.milliseconds) / 60_000).rounded(.down)),
            status: status,
            mechanism: sessions.mechanism == .foreground
              ? "foreground" : sessions.mechanism == .background ? "background" : "",
            count: count, users: sessions.user.map { [$0] } ?? [], duration: duration))
        duration = nil
      }
    }

    facts = facts.filter { fact in
      query.projects.contains(fact.scope.project)
        && counts(fact.scope, raw.stages[fact.scope] ?? .lowAdoption)
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
        let crashed = take("crashed")
        let abnormal = take("abnormal")
        let unhandled = take("unhandled")
        let errored = take("errored")
        cell.users.byWorst = SessionCounts(
          healthy: take("healthy"), errored: errored, unhandled: unhandled, abnormal: abnormal,
          crashed: crashed)
        cell.users.withUnhandled = Int64(users { $0.status == "unhandled" }.count)
        cell.users.withAbnormal = Int64(users { $0.status == "abnormal" }.count)
        cell.users.withHang = Int64(users { $0.mechanism != "" }.count)
        cell.users.withForegroundHang = Int64(users { $0.mechanism == "foreground" }.count)
      }
      return cell
    }
    let groups = Dictionary(grouping: facts) { query.groupKey(of: $0.scope) }
    let timedGroups = Dictionary(grouping: timed) { query.groupKey(of: $0.scope) }
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

  private static let worstFirst = ["crashed", "abnormal", "unhandled", "errored", "healthy"]

  private static func hour(_ minute: Int) -> Int {
    Int((Double(minute) / 60).rounded(.down))
  }

  /// Computes a summary by the definitions, from all durations: a store may differ by
  /// ``DurationSummary/relativeErrorMax``.
  private static func summary(_ durations: [Int64]) -> DurationSummary? {
    if durations.isEmpty { return nil }
    let sorted = durations.map(Double.init).sorted()
    func quantile(_ share: Double) -> Double {
      sorted[Int((share * Double(sorted.count)).rounded(.up)) - 1]
    }
    return DurationSummary(
      average: sorted.reduce(0, +) / Double(sorted.count), p50: quantile(0.5), p75: quantile(0.75),
      p90: quantile(0.9), p95: quantile(0.95), p99: quantile(0.99), longest: sorted.last ?? 0)
  }
}
