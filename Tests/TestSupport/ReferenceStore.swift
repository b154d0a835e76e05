package import ReleaseHealth
package import Storage
internal import Locks

/// The model that stores are held against: it keeps every raw report and computes each answer
/// from nothing. It shares no code with the reducer, so it cannot share its mistakes.
package final class ReferenceStore: SessionStore {
  private struct Raw {
    var reports: [SessionReport] = []
    var anonymous: [AnonymousSessions] = []
  }

  private let raw = Locked(Raw())

  package init() {}

  @discardableResult
  package func ingest(_ batch: IngestBatch) throws(StoreError) -> [OutcomeKey: Int64] {
    raw.withLock {
      $0.reports += batch.reports
      $0.anonymous += batch.anonymous
    }
    return batch.outcomes
  }

  package func checkWritable() throws(StoreError) {}

  package func housekeep(at now: Timestamp) throws(StoreError) -> Bool { false }

  package func settle() throws(StoreError) -> [OutcomeKey: Int64]? { nil }

  package func health(_ query: HealthQuery) throws(StoreError) -> [HealthGroup] {
    let raw = raw.withLock { $0 }
    // What each session adds: where, when, how many of which status, by whom.
    struct Fact {
      var scope: Scope
      var minute: Int
      var status: String
      var mechanism: String
      var count: Int64
      var users: Set<UserHash>
    }
    var facts: [Fact] = []
    for (key, reports) in Dictionary(grouping: raw.reports, by: \.key) {
      let statuses = reports.map { report -> String in
        switch report.status {
        case .crashed: return "crashed"
        case .abnormal: return "abnormal"
        case .unhandled: return "unhandled"
        case .errored, .unknown: return "errored"
        case .ok, .exited: return report.errors == 0 ? "healthy" : "errored"
        }
      }
      let hung = reports.filter { $0.status == .abnormal }.map(\.mechanism)
      let milliseconds = reports.map(\.correctedStart.milliseconds).sorted()[0]
      facts.append(
        Fact(
          scope: key.scope, minute: Int((Double(milliseconds) / 60_000).rounded(.down)),
          status: Self.worstFirst.first { statuses.contains($0) } ?? "healthy",
          mechanism: hung.contains(.foreground)
            ? "foreground" : hung.contains(.background) ? "background" : "",
          count: 1, users: Set(reports.compactMap(\.user))))
    }
    for sessions in raw.anonymous {
      let counts = [
        "healthy": sessions.counts.healthy, "errored": sessions.counts.errored,
        "unhandled": sessions.counts.unhandled, "abnormal": sessions.counts.abnormal,
        "crashed": sessions.counts.crashed,
      ]
      for (status, count) in counts where count > 0 {
        facts.append(
          Fact(
            scope: sessions.scope,
            minute: Int((Double(sessions.correctedStart.milliseconds) / 60_000).rounded(.down)),
            status: status,
            mechanism: sessions.mechanism == .foreground
              ? "foreground" : sessions.mechanism == .background ? "background" : "",
            count: count, users: sessions.user.map { [$0] } ?? []))
      }
    }

    facts = facts.filter {
      query.projects.contains($0.scope.project) && query.includes($0.scope)
        && query.minutes.contains($0.minute)
    }
    func cell(_ facts: [Fact]) -> HealthCell {
      var cell = HealthCell()
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
    return groups.map { key, facts in
      HealthGroup(
        key: key, totals: cell(facts),
        series: (0..<query.bucketCount).map { bucket in
          cell(
            facts.filter {
              ($0.minute - query.minutes.lowerBound) / query.intervalMinutes! == bucket
            })
        })
    }
    .filter { $0.totals != HealthCell() }
    .sorted { $0.key < $1.key }
  }

  private static let worstFirst = ["crashed", "abnormal", "unhandled", "errored", "healthy"]
}
