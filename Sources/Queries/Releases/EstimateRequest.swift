internal import HTTP
internal import Bytes
internal import API
internal import ReleaseHealth
internal import Storage

/// `GET …/releases/{version}/estimate/`, beside Sentry's API: crash-free sessions exactly as
/// reported so far, and an estimate of them once all late crashes are reported.
///
///     {"release", "start", "end", "sessions", "bad", "crashed", "crashFreeSessions", "failed",
///      "failureFreeSessions", "estimate": {"value", "low", "high"}, "failureFreeEstimate",
///      "reportingDelay": {…}, "series": {"intervals", "value", "low", "high"}}
///
/// The series has the buckets of the sessions API for which crashes may still be reported. The
/// estimate of failure-free sessions is there where the projects call unhandled errors bad.
struct EstimateRequest {
  private let release: String
  private let selected: [Project]
  let projects: Set<ProjectID>
  private let environments: EnvironmentSelection
  private let range: DateRange
  private let now: Timestamp
  private let retentionDays: Int

  init(_ call: APICall, retentionDays: Int) throws(APIError) {
    let parameters = QueryParameters(call.items)
    selected = try call.projects().named(by: parameters)
    projects = Set(selected.map(\.id))
    environments = EnvironmentSelection(parameters.all("environment"))
    var limits = SessionsLimits()
    limits.retentionDays = retentionDays
    limits.defaultRangeDays = 14
    // The reporting delay has a resolution of an hour.
    limits.intervalMinutesMin = 60
    now = call.now
    self.retentionDays = retentionDays
    range = try DateRange(parameters, now: now, limits: limits)
    release = call.version
  }

  /// Queries the store and writes the answer. Blocks.
  func response(
    of organization: OrganizationID, store: any StoreSnapshot
  ) throws(StoreError) -> Response {
    let known = KnownNames(of: organization, projects, store)
    if let refusal = try known.refusal(of: environments) { return Response(.badRequest(refusal)) }
    var selected = HealthQuery(projects: projects, minutes: range.minutes)
    selected.filter = .environments(environments)
    guard let record = try known.release(release, latestIn: selected, store) else {
      return Response(APIError(status: 404, detail: try known.refusal(ofReleaseOrLatest: release)))
    }
    let projects = projects.intersection(record.projects)
    let days = try LearningDays(of: projects, environments, now: now, store)
    let delay = days.delay(of: .crashed)
    // The delay counts whole hours, so the range starts on a full hour; what is older is one sum.
    // Before the retention there is nothing, however far back the range reaches.
    let hour = max(range.start.hour, (now.day - retentionDays) * 24)
    let young = max(hour, now.hour - ReportingDelay.hoursMax)
    var counts = [SessionCounts](repeating: SessionCounts(), count: young - hour)
    if young > hour {
      let older = try self.counts(record, hour..<young, by: (young - hour) * 60, projects, store)
      counts[0] = older.first ?? SessionCounts()
    }
    counts += try self.counts(record, young..<max(young, range.end.hour), by: 60, projects, store)
    let hours = counts.map { $0.tally(.crashed) }
    let estimate = delay.estimate(hours, now: now.hour - hour)
    let bad = BadStatuses.widest(self.selected.having([record]).map(\.bad))
    var ofFailures: CrashEstimate?
    if bad == .crashedAndUnhandled {
      let own = days.delay(of: bad)
      let tallies = counts.map { $0.tally(bad) }
      ofFailures = own.isLearnt ? own.estimate(tallies, now: now.hour - hour) : nil
    }
    let total = counts.reduce(into: SessionCounts()) { $0 += $1 }
    let json = JSONWriter.object { json in
      json.member("release", record.version)
      json.member("start", range.start)
      json.member("end", range.end)
      json.member("sessions", total.total)
      json.member("bad", bad.rawValue)
      json.member("crashed", total.crashed)
      json.member("crashFreeSessions", total.crashFreeRate)
      json.member("failed", total.failed)
      json.member("failureFreeSessions", total.failureFreeRate)
      for (name, estimate) in [
        ("estimate", delay.isLearnt ? estimate : nil), ("failureFreeEstimate", ofFailures),
      ] {
        json.member(name) { json in
          if let estimate { estimate.writeCrashFree(to: &json) } else { json.null() }
        }
      }
      json.member("reportingDelay") { delay.write(knownShare: estimate.knownShare, to: &$0) }
      json.member("series") { writeSeries(hours, since: hour, young: young, delay, to: &$0) }
    }
    return .json(json)
  }

  private func counts(
    _ record: ReleaseRecord, _ hours: Range<Int>, by minutes: Int, _ projects: Set<ProjectID>,
    _ store: any SessionReading
  ) throws(StoreError) -> [SessionCounts] {
    if hours.isEmpty || hours.lowerBound >= range.end.hour { return [] }
    var query = HealthQuery(
      projects: projects,
      minutes: hours.lowerBound * 60..<min(hours.upperBound * 60, range.end.minute))
    query.filter = .all([.environments(environments), .release(record.version)])
    query.intervalMinutes = minutes
    return try store.health(query).first?.series.map(\.sessions)
      ?? Array(repeating: SessionCounts(), count: query.bucketCount)
  }

  /// - Parameters:
  ///   - first: the first hour of the hours, since 1970.
  ///   - young: the first hour for which crashes may still be reported.
  private func writeSeries(
    _ hours: [SessionTally], since first: Int, young: Int, _ delay: ReportingDelay,
    to json: inout JSONWriter
  ) {
    let length = range.intervalMinutes / 60
    let starts = delay.isLearnt ? range.bucketStarts.filter { $0.hour >= young } : []
    let estimates = starts.map { start in
      let (from, until) = (start.hour - first, min(start.hour - first + length, hours.count))
      return delay.estimate(Array(hours[from..<until]), now: now.hour - start.hour)
    }
    json.object { json in
      json.member("intervals", starts)
      json.member("value", estimates.map { $0.crashRate.map { 1 - $0 } })
      json.member("low", estimates.map { $0.interval.map { 1 - $0.upperBound } })
      json.member("high", estimates.map { $0.interval.map { 1 - $0.lowerBound } })
    }
  }
}

extension CrashEstimate {
  /// Writes {"value", "low", "high"}, or null without a session.
  func writeCrashFree(to json: inout JSONWriter) {
    guard let rate = crashRate, let interval else { return json.null() }
    json.object { json in
      json.member("value", 1 - rate)
      json.member("low", 1 - interval.upperBound)
      json.member("high", 1 - interval.lowerBound)
    }
  }
}
