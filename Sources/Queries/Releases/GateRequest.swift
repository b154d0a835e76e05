internal import HTTP
internal import API
internal import ReleaseHealth
internal import Storage

/// `GET …/releases/{version}/gate/`, beside Sentry's API: whether a release is healthy enough to be
/// rolled out further. Both arms are measured from their own first session on, over as many hours
/// as the candidate has, and as they were known at that age.
///
/// The rules are percentages: `crashFreeSessions`, `maxDrop` (points), `confidence`; `minSessions`
/// is a number. `bad` says what makes a session bad in place of the projects: a session that is not
/// counts as crash-free here, also where unhandled ones are bad. `baseline` is a release, `latest`
/// or `previous`; the version in the path may be `latest`, too: a release with sessions in the last
/// 24 hours.
struct GateRequest {
  private let candidate: String
  /// The baseline release; nil for the previous one.
  private let baseline: String?
  private let rules: ReleaseGate.Rules
  /// What makes a session bad, if the request says so; nil for what the projects say.
  private let bad: BadStatuses?
  private let owner: Organization
  private let selected: [Project]
  let projects: Set<ProjectID>
  private let environments: EnvironmentSelection
  private let now: Timestamp
  private let retentionDays: Int

  static let names = AcceptedNames.only(
    AcceptedNames.selection + [
      "baseline", "bad", "crashFreeSessions", "maxDrop", "minSessions", "confidence",
    ])
  private static let dropMaxDefault = 0.2

  private static let isItself = APIError.badRequest(
    "The baseline is the release itself: name another one.")

  init(_ call: APICall, retentionDays: Int) throws(APIError) {
    let parameters = QueryParameters(call.items)
    owner = try call.organization()
    selected = try call.projects().named(by: parameters)
    projects = Set(selected.map(\.id))
    bad = try parameters.bad()
    candidate = call.version
    let named = parameters.one("baseline") ?? "previous"
    baseline = named == "previous" ? nil : named
    if let baseline, Name(baseline) == Name(candidate) { throw Self.isItself }
    environments = EnvironmentSelection(parameters.all("environment"))
    var rules = ReleaseGate.Rules()
    let crashFree = try Self.percentage(parameters, "crashFreeSessions", 0...100)
    if let crashFree, crashFree > 0, crashFree <= 1 {
      throw .invalid(
        "crashFreeSessions", "\(crashFree)", accepted: "Give a percentage like 99.5.")
    }
    rules.crashRateMax = crashFree.map { (100 - $0) / 100 }
    let drop = try Self.percentage(parameters, "maxDrop", 0...90) ?? Self.dropMaxDefault
    rules.dropMax = drop / 100
    rules.alpha = (100 - (try Self.percentage(parameters, "confidence", 50...99.99) ?? 95)) / 100
    rules.sessionsMin = SeenRelease.sessionsMinDefault
    if let text = parameters.one("minSessions") {
      guard let number = Int64(text), (0...1_000_000_000).contains(number) else {
        throw .invalid("minSessions", text, accepted: "Give a number of sessions, for example 100.")
      }
      rules.sessionsMin = number
    }
    self.rules = rules
    now = call.now
    self.retentionDays = retentionDays
  }

  private static func percentage(
    _ parameters: QueryParameters, _ name: String, _ range: ClosedRange<Double>
  ) throws(APIError) -> Double? {
    guard let text = parameters.one(name) else { return nil }
    guard let number = Double(text), range.contains(number) else {
      throw .invalid(
        name, text,
        accepted: "Give a percentage from \(range.lowerBound) to \(range.upperBound).")
    }
    return number
  }

  /// Queries the store and writes the answer. Blocks.
  func response(
    of organization: OrganizationID, store: any StoreSnapshot
  ) throws(StoreError) -> Result<[UInt8], APIError> {
    let known = KnownNames(of: organization, projects, store)
    // Before the first session of a project, its environments are still to come.
    if try !known.haveNoSessions(), let refusal = try known.refusal(of: environments) {
      return .failure(.badRequest(refusal))
    }
    var day = HealthQuery(projects: projects, minutes: HealthPeriod.day24.window(until: now))
    day.filter = .environments(environments)
    let named = try baseline.map { (name) throws(StoreError) in
      try known.release(
        name, latestIn: day, besides: candidate, sessionsMin: rules.sessionsMin, store)
    }
    if let baseline, case .some(.none) = named {
      return .failure(.badRequest(try known.refusal(ofReleaseOrLatest: baseline)))
    }
    let found = try known.release(
      candidate, latestIn: day, sessionsMin: rules.sessionsMin, store)
    guard let record = found else {
      // A client may wait for one that is still to come.
      let isLatest = candidate == LatestRelease.name
      let mayCome = isLatest ? true : try known.mayCome(release: candidate)
      return .failure(
        APIError(
          status: mayCome ? 404 : 400,
          detail: try known.refusal(ofReleaseOrLatest: candidate, mayCome: true)))
    }
    let started = try record.firstHour(in: projects, environments, store)
    let before =
      if let named { named } else {
        try previous(to: record, started: started, of: organization, store)
      }
    if before?.id == record.id { return .failure(Self.isItself) }
    let beforeStarted = try before?.firstHour(in: projects, environments, store)
    let oldest = (now.day - retentionDays + 1) * 24
    for (release, first) in [(record, started), (before, beforeStarted)] {
      guard let release, let first, first < oldest else { continue }
      if release.id == before?.id, baseline == nil { continue }
      return .failure(
        .badRequest(
          "The first sessions of \"\(release.version)\" are no longer kept: it cannot be judged by "
            + "age. Name another release."))
    }
    let isBaseKept = (beforeStarted ?? .min) >= oldest
    var gate = try answer(record, started, isBaseKept ? before : nil, beforeStarted, store)
    if let before {
      gate.earlier = GateAnswer.Earlier(release: before.version, isKept: isBaseKept)
    } else {
      gate.earlier = try lower(than: record, among: known, store).map {
        GateAnswer.Earlier(release: $0.version, isKept: true)
      }
    }
    return .success(gate.json)
  }

  /// The next lower release of the same package in the projects and environments, which may have
  /// had no session of late.
  private func lower(
    than record: ReleaseRecord, among known: KnownNames, _ store: any ReleaseReading
  ) throws(StoreError) -> ReleaseRecord? {
    let version = ReleaseVersion(record.version)
    let rank = ReleaseRank(record.version, version: version, created: record.created)
    let names = try known.releases().filter { ReleaseVersion($0).package == version.package }
    let seen = try store.releases(named: names, of: known.organization, withDeploys: false)
      .filter { other in
        other.places.contains {
          projects.contains($0.project) && environments.includes($0.environment)
        }
      }
    return seen.map { (record: $0, rank: ReleaseRank($0.version, created: $0.created)) }
      .filter { $0.rank < rank }.max { $0.rank < $1.rank }?.record
  }

  /// The release of the same package with the most sessions in the day before the first session of
  /// the candidate; of several the highest.
  private func previous(
    to record: ReleaseRecord, started: Int?, of organization: OrganizationID,
    _ store: any SessionReading & ReleaseReading
  ) throws(StoreError) -> ReleaseRecord? {
    let end = started ?? now.hour
    var query = HealthQuery(projects: projects, minutes: (end - 24) * 60..<end * 60)
    query.filter = .all([
      .environments(environments), .not(.release(record.version)),
      .package(ReleaseVersion(record.version).package),
    ])
    let sessions = try store.releaseSessions(query)
    let most = sessions.values.max()
    let names = sessions.filter { $0.value == most }.map(\.key.text)
    return try store.releases(named: names, of: organization, withDeploys: false)
      .map { (record: $0, rank: ReleaseRank($0.version, created: $0.created)) }
      .max { $0.rank < $1.rank }?.record
  }

  private func answer(
    _ record: ReleaseRecord, _ started: Int?, _ before: ReleaseRecord?, _ beforeStarted: Int?,
    _ store: any SessionReading & OutcomeStore
  ) throws(StoreError) -> GateAnswer {
    let ages = [started, before == nil ? nil : beforeStarted].compactMap(\.self)
      .map { max(0, now.hour - $0 + 1) }
    let age = ages.min() ?? 0
    let one = try side(record, started ?? now.hour, age, store)
    let other = try before.map { (before) throws(StoreError) in
      try side(before, beforeStarted ?? now.hour, age, store)
    }
    let concerned = selected.having([record, before])
    let bad = bad ?? .widest(concerned.map(\.bad))
    let failed = one.final(.crashedAndUnhandled)
    let hint = BadHint(
      crashed: Int64(one.final(.crashed).crashes), failed: Int64(failed.crashes),
      of: failed.sessions
    ).sentence(self.bad == nil ? concerned : [], of: owner, tolerated: rules.crashRateMax)
    let days = try LearningDays(
      of: projects.intersection(record.projects), environments, now: now, store)
    let delay = days.delay(of: bad)
    // Users count for both arms or for neither, so that the arms are comparable.
    let areUsersKnown = [one, other].compactMap(\.self).allSatisfy {
      $0.users.areKnown(of: $0.final(bad).sessions)
    }
    let arms = [one, other].map { $0?.arm(bad, weighing: areUsersKnown) }
    let hours = arms[0]?.hours ?? []
    let gate = ReleaseGate(
      rules: rules, candidate: arms[0] ?? ReleaseGate.Arm(hours: []), baseline: arms[1] ?? nil,
      knownShare: delay.knownShare(of: hours, now: age), dispersion: delay.dispersion)
    return GateAnswer(
      gate: gate, bad: bad, hint: hint, candidate: one, baseline: other, age: age, now: now,
      delay: delay,
      areUsersKnown: areUsersKnown)
  }

  private func side(
    _ record: ReleaseRecord, _ first: Int, _ age: Int, _ store: any SessionReading & OutcomeStore
  ) throws(StoreError) -> GateSide {
    var query = HealthQuery(projects: projects, minutes: first * 60..<(first + age) * 60)
    query.filter = .all([.environments(environments), .release(record.version)])
    query.measures = [.users]
    let users = try store.health(query).first?.totals.users ?? UserCounts()
    query.intervalMinutes = 60
    let history = try store.history(query)
    return GateSide(
      release: record.version, firstHour: first, age: age, history: history, users: users)
  }
}

/// One of the two releases that a gate compares: its first hours.
struct GateSide {
  let release: String
  /// The hour of the first session, since 1970.
  let firstHour: Int
  /// The number of hours that are measured, including the running one.
  let age: Int
  /// The sessions by hour, with the time at which each was known.
  let history: SessionHistory
  /// The users of the same hours, as known now: when a user crashed first is not kept.
  let users: UserCounts

  /// Whether the arrival log reaches back to the first session. Otherwise the counts are those
  /// known now, which is fair to the candidate: later crashes count against the baseline.
  var isKnownAtAge: Bool { (history.firstKnownHour ?? .min) <= firstHour }

  /// The counts that were known at the age, by hour.
  func hours(_ bad: BadStatuses) -> [SessionTally] {
    reported(bad).known(atAge: age).map(\.sound)
  }

  /// The total that was known at the age.
  func total(_ bad: BadStatuses) -> SessionTally {
    hours(bad).reduce(into: SessionTally()) { $0 += $1 }
  }

  /// The total that is known now.
  func final(_ bad: BadStatuses) -> SessionTally {
    reported(bad).hours.reduce(into: SessionTally()) { $0 += $1.known(before: .max) }.sound
  }

  func arm(_ bad: BadStatuses, weighing: Bool) -> ReleaseGate.Arm {
    ReleaseGate.Arm(hours: hours(bad), crashWeight: weighing ? crashWeight(bad) : 1)
  }

  private func crashWeight(_ bad: BadStatuses) -> Double {
    let (crashed, crashes) = (Double(users.bad(bad)), final(bad).crashes)
    return crashed > 0 && crashes > crashed ? crashed / crashes : 1
  }

  private func reported(_ bad: BadStatuses) -> ReportedSessions {
    ReportedSessions(history, firstHour: firstHour, bad: bad)
  }
}

extension ReleaseRecord {
  /// The hour in which the first session of a release started; nil when there was none. It is that
  /// of the first arrival where the sessions have expired.
  func firstHour(
    in projects: Set<ProjectID>, _ environments: EnvironmentSelection, _ store: any ReleaseReading
  ) throws(StoreError) -> Int? {
    let seen =
      places
      .filter { projects.contains($0.project) && environments.includes($0.environment) }
      .map(\.firstSeen.hour).min()
    let started = try store.sessionHours(
      ofRelease: id, projects: projects, environments: environments)
    return [seen, started?.lowerBound].compactMap(\.self).min()
  }
}

extension UserCounts {
  /// Above this ratio most sessions have no user, and bad ones are not counted by users.
  private static let sessionsPerUserMax: Int64 = 50

  /// - Parameter sessions: the number of the sessions that the users are of.
  func areKnown(of sessions: Int64) -> Bool {
    total * Self.sessionsPerUserMax >= sessions
  }
}

extension SessionCounts {
  func tally(_ bad: BadStatuses) -> SessionTally {
    SessionTally(sessions: total, crashes: Double(self.bad(bad)))
  }
}

extension ReportedSessions {
  /// - Parameter firstHour: the hour of the first bucket of the history by the hour, since 1970.
  init(_ history: SessionHistory, firstHour: Int, bad: BadStatuses) {
    self.init(
      hours: history.buckets.map { bucket in
        var prompt = bucket.prompt
        prompt += bucket.aggregates
        prompt += bucket.unlogged
        prompt -= bucket.startingLater
        return Hour(
          prompt: prompt.tally(bad),
          late: bucket.late.map {
            Change(arrivalHour: $0.time.hour - firstHour, change: $0.change.tally(bad))
          })
      })
  }
}
