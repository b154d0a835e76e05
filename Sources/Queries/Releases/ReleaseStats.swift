internal import HTTP
internal import Bytes
internal import API
internal import ReleaseHealth
internal import Storage

/// `GET …/releases/{version}/stats/`: the health of one release over time in a project.
struct ReleaseStatsRequest {
  private let kind: CountedUnit
  private let project: ProjectID
  private let release: Name
  let environments: EnvironmentSelection
  /// The minutes that count. The last bucket may begin with their end, and is empty then.
  private let minutes: Range<Int>
  private let bucketCount: Int
  private let intervalMinutes: Int
  private let now: Timestamp

  /// The ages of a release at which its users are counted, in days.
  private static let breakdownDays = [1, 2, 7, 14, 30]
  /// Sentry's `MAX_ROLLUP_POINTS`: ninety days by the hour must fit.
  private static let pointsMax = 10_000

  init(
    _ items: [(name: String, value: String)], project: Project, release: String, now: Timestamp
  ) throws(APIError) {
    let parameters = QueryParameters(items)
    kind = try parameters.choice("type", default: .sessions, otherwise: "invalid stat")
    self.project = project.id
    self.release = Name(release)
    self.now = now
    environments = EnvironmentSelection(parameters.all("environment"))
    let text = parameters.one("interval") ?? "24h"
    guard let seconds = StatsPeriod.seconds(text) else {
      throw .invalid("interval", text, accepted: StatsPeriod.accepted)
    }
    // As in Sentry, an hour is the least.
    let rollup = Int(max(3600, seconds) / 60)
    try DateRange.checkGrain(seconds: max(3600, seconds), minutes: 1)
    let requested = try DateRange.givenRange(parameters, now: now, limits: SessionsLimits())
    if rollup % 60 != 0 { try DateRange.checkMinutesAreKept(since: requested.start, now: now) }
    // As in Sentry, the start moves up to the next boundary, also from one, and the end to the next
    // ten seconds.
    let start = (requested.start.minute.flooredDivision(by: rollup) + 1) * rollup
    let last = min(requested.end, now).seconds.flooredDivision(by: 10)
    let end = (last + 1) * 10 - Int64(start) * 60
    bucketCount = max(0, -Int((-end).flooredDivision(by: Int64(rollup) * 60)))
    if bucketCount > Self.pointsMax { throw .tooManyResults() }
    minutes = start..<max(start, Self.minute(endingWith: requested.end, now: now))
    intervalMinutes = rollup
  }

  /// The end of what counts: counts are kept by the minute, so that it is the end of the request
  /// rounded up to a minute, and where single minutes are no longer kept, to an hour.
  private static func minute(endingWith end: Timestamp, now: Timestamp) -> Int {
    let isOld = now.milliseconds - end.milliseconds > DomainLimits.minuteQueriesMilliseconds
    let grain = isOld ? 60 : 1
    let end = -Int((-end.milliseconds).flooredDivision(by: Int64(grain) * 60_000)) * grain
    return min(end, now.minute + 1)
  }

  private func query(_ minutes: Range<Int>) -> HealthQuery {
    var query = HealthQuery(projects: [project], minutes: minutes)
    query.filter = .all([.releases([release]), .environments(environments)])
    return query
  }

  /// Queries the store and writes the answer. Blocks.
  ///
  /// - Parameters:
  ///   - created: when the release was created, or first reported.
  ///   - firstHour: the hour of its first session. Sessions are often reported at their end, so the
  ///     first one can start before the release is created.
  func json(
    created: Timestamp, firstHour: Int?, store: any SessionReading
  ) throws(StoreError) -> [UInt8] {
    var series = query(minutes)
    series.intervalMinutes = intervalMinutes
    series.measures = kind.measures
    let group = try store.health(series).first
    var breakdown: [(end: Timestamp, cell: HealthCell)] = []
    for end in breakdownEnds(created) {
      // Old minutes are gone: such ends are rounded up to the hour, but not beyond now.
      let after =
        end == now
        ? now.minute + 1
        : min((end.minute + 59).flooredDivision(by: 60) * 60, now.minute + 1)
      // The clock can be set back to before the creation.
      let first = min(created.hour, firstHour ?? created.hour) * 60
      var users = query(min(first, after)..<after)
      users.measures = [.sessions, .users]
      breakdown.append((end, try store.health(users).first?.totals ?? HealthCell()))
    }
    return JSONWriter.object { json in
      json.array("stats") { json in
        for bucket in 0..<bucketCount {
          json.array { json in
            json.value(Timestamp(minute: minutes.lowerBound + bucket * intervalMinutes).seconds)
            let isCounted = bucket < series.bucketCount
            write(counts(isCounted ? group?.series[bucket] : nil), withDurations: true, to: &json)
          }
        }
      }
      json.member("statTotals") { write(counts(group?.totals), withDurations: false, to: &$0) }
      json.array("usersBreakdown") { json in
        for (end, cell) in breakdown { Self.write(end, cell, to: &json) }
      }
    }
  }

  /// The ends of the breakdown. The first end after now is replaced by now, except that of the
  /// second day, which is a day after the end before it. Sentry's rule uses the end, not now.
  private func breakdownEnds(_ created: Timestamp) -> [Timestamp] {
    let day: Int64 = 86_400_000
    var ends: [Timestamp] = []
    for days in Self.breakdownDays {
      let end = created.advanced(byMilliseconds: Int64(days) * day)
      guard end <= now else {
        if let last = ends.last, end.milliseconds - last.milliseconds <= day { break }
        ends.append(now)
        break
      }
      ends.append(end)
    }
    return ends
  }

  private func counts(_ cell: HealthCell?) -> SessionCounts {
    switch kind {
    case .sessions: cell?.sessions ?? SessionCounts()
    case .users: cell?.users.byWorst ?? SessionCounts()
    }
  }

  /// Writes the answer. Durations are in the sessions API only, and null here.
  private func write(_ counts: SessionCounts, withDurations: Bool, to json: inout JSONWriter) {
    json.object { json in
      json.member(kind.rawValue, counts.total)
      for severity in Severity.allCases {
        json.member("\(kind.rawValue)_\(severity.name)", counts[severity])
      }
      guard withDurations else { return }
      json.member("duration_p50") { $0.null() }
      json.member("duration_p90") { $0.null() }
    }
  }

  private static func write(_ end: Timestamp, _ cell: HealthCell, to json: inout JSONWriter) {
    json.object { json in
      json.member("date", end)
      json.member("totalUsers", cell.users.total)
      json.member("crashFreeUsers", cell.users.crashFreeRate.map { $0 * 100 })
      json.member("totalSessions", cell.sessions.total)
      json.member("crashFreeSessions", cell.sessions.crashFreeRate.map { $0 * 100 })
    }
  }
}
