internal import HTTP
internal import Bytes
internal import API
internal import ReleaseHealth
internal import Storage

/// `GET …/releases/{version}/estimate/`, beside Sentry's API: crash-free sessions exactly as
/// reported so far, and an estimate of them once all late crashes are reported.
///
///     {"release", "start", "end", "sessions", "crashed", "crashFreeSessions",
///      "estimate": {"value", "low", "high"}, "reportingDelay": {…},
///      "series": {"intervals", "value", "low", "high"}}
///
/// The series has the buckets of the sessions API for which crashes may still be reported.
struct EstimateRequest {
  private let release: String
  private let projects: Set<ProjectID>
  private let environments: EnvironmentSelection
  private let range: DateRange
  private let now: Timestamp
  private let retentionDays: Int

  init(_ call: APICall, retentionDays: Int) throws(APIError) {
    let parameters = QueryParameters(call.items)
    projects = Set(try call.projects().named(by: parameters).map(\.id))
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
    let known = try KnownNames(of: organization, store).of(projects)
    if let refusal = known.refusal(of: environments) { return Response(.badRequest(refusal)) }
    var selected = HealthQuery(projects: projects, minutes: range.minutes)
    selected.filter = .environments(environments)
    guard let record = try known.release(release, latestIn: selected, store) else {
      return Response(APIError(status: 404, detail: known.refusal(ofReleaseOrLatest: release)))
    }
    let projects = projects.intersection(record.projects)
    let delay = try ReportingDelay.learnt(
      from: projects, environments, bad: .crashed, now: now, store)
    // The delay counts whole hours, so the range starts on a full hour; what is older is one sum.
    // Before the retention there is nothing, however far back the range reaches.
    let hour = max(range.start.hour, (now.day - retentionDays) * 24)
    let young = max(hour, now.hour - ReportingDelay.hoursMax)
    var hours = [SessionTally](repeating: SessionTally(), count: young - hour)
    if young > hour {
      let older = try tallies(record, hour..<young, by: (young - hour) * 60, projects, store)
      hours[0] = older.first ?? SessionTally()
    }
    hours += try tallies(record, young..<max(young, range.end.hour), by: 60, projects, store)
    let estimate = delay.estimate(hours, now: now.hour - hour)
    let json = JSONWriter.object { json in
      json.member("release", record.version)
      json.member("start", range.start)
      json.member("end", range.end)
      json.member("sessions", estimate.sessions)
      json.member("crashed", Int64(estimate.crashes))
      let reported = SessionTally(sessions: estimate.sessions, crashes: estimate.crashes)
      json.member("crashFreeSessions", reported.crashRate.map { 1 - $0 })
      json.member("estimate") { json in
        guard delay.isLearnt else { return json.null() }
        estimate.writeCrashFree(to: &json)
      }
      json.member("reportingDelay") { delay.write(knownShare: estimate.knownShare, to: &$0) }
      json.member("series") { writeSeries(hours, since: hour, young: young, delay, to: &$0) }
    }
    return .json(json)
  }

  private func tallies(
    _ record: ReleaseRecord, _ hours: Range<Int>, by minutes: Int, _ projects: Set<ProjectID>,
    _ store: any SessionReading
  ) throws(StoreError) -> [SessionTally] {
    if hours.isEmpty || hours.lowerBound >= range.end.hour { return [] }
    var query = HealthQuery(
      projects: projects,
      minutes: hours.lowerBound * 60..<min(hours.upperBound * 60, range.end.minute))
    query.filter = .all([.environments(environments), .release(record.version)])
    query.intervalMinutes = minutes
    return try store.health(query).first?.series.map {
      SessionTally(sessions: $0.sessions.total, crashes: Double($0.sessions.crashed))
    } ?? Array(repeating: SessionTally(), count: query.bucketCount)
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
