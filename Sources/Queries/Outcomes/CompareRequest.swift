internal import HTTP
internal import Bytes
internal import API
internal import ReleaseHealth
internal import Storage

/// `GET …/sessions/compare/`, beside Sentry's API: two releases side by side, over a range (by
/// default the last 24 hours), and whether their difference may be chance.
///
/// With `align=age` each release is measured over the same time from its first session on, in whole
/// hours: as long as the range, and not longer than the younger release is old. A release of an
/// hour has its early adopters and none of its late crashes; it compares with the first hour of
/// another, as that was known then. Of users it is not kept when they crashed: both sides are as
/// known now, and no verdict favours the younger release while late crashes may come.
///
/// `base` and `candidate` may be `latest`, the latest release of the range.
///
///     {"align", "asOf", "known": {"sessions", "users"}, "bad", "hint", "verdict", "verdictOf",
///      "base": side, "candidate": side,
///      "difference": {"crashFreeSessions": difference, "crashFreeUsers": difference, …}}
///
/// Known:        "now" is what is known at asOf, "atAge" what was known at the end of the range of
///               each side.
/// A side:       {"release", "start", "end", "firstSession", "sessions": counts, "users": counts,
///                "crashFreeSessions": share, "crashFreeUsers": share, …,
///                "adoption": {"sessions", "users"}, "durationP50", "durationP95"}; durations in
///               milliseconds, null when nothing exited
/// A share:      {"value", "low", "high"}, of 1; null where there is nothing to divide by.
/// A difference: {"value", "low", "high", "verdict"}, candidate less base, the verdict one of
///               ``ChangeVerdict``; null where one of the two is. That of the measure `verdictOf`
///               is the one of the whole: users without a session that is `bad` or, where a side
///               has few users for its sessions, such sessions.
///
/// Sessions of one user tend to end alike, so that the intervals of sessions are a little too
/// narrow; those of users are not.
struct CompareRequest {
  private let base: String
  private let candidate: String
  private let owner: Organization
  private let selected: [Project]
  let projects: Set<ProjectID>
  /// What makes a session bad, if the request says so; nil for what the projects say.
  private let bad: BadStatuses?
  private let environments: EnvironmentSelection
  private let range: DateRange
  /// The length of the requested range in hours, rounded up.
  private let hours: Int
  private let isAligned: Bool
  private let now: Timestamp
  private let retentionDays: Int

  private static let sameRelease = APIError.badRequest(
    "base and candidate are the same release: give two.")

  static let names = AcceptedNames.only(
    ["base", "candidate", "align", "bad", "interval"] + AcceptedNames.selection + DateRange.names)

  init(_ call: APICall, retentionDays: Int) throws(APIError) {
    let parameters = QueryParameters(call.items)
    owner = try call.organization()
    selected = try call.projects().named(by: parameters)
    projects = Set(selected.map(\.id))
    bad = try parameters.bad()
    guard let base = parameters.one("base"), let candidate = parameters.one("candidate") else {
      throw .badRequest("base and candidate are both required: give the names of two releases.")
    }
    if Name(base) == Name(candidate) {
      throw Self.sameRelease
    }
    self.base = base
    self.candidate = candidate
    let align = parameters.one("align") ?? "time"
    guard ["time", "age"].contains(align) else {
      throw .invalid("align", align, accepted: "Give time or age.")
    }
    isAligned = align == "age"
    environments = EnvironmentSelection(parameters.all("environment"))
    var limits = SessionsLimits()
    limits.defaultRangeDays = 1
    limits.retentionDays = retentionDays
    // Durations are kept by the hour.
    limits.intervalMinutesMin = 60
    // The answer has only totals.
    limits.pointsMax = .max >> 32
    now = call.now
    range = try DateRange(parameters, now: now, limits: limits)
    let given = try DateRange.givenRange(parameters, now: now, limits: limits)
    let length = given.end.milliseconds - given.start.milliseconds
    hours = -Int((-length).flooredDivision(by: 3_600_000))
    self.retentionDays = retentionDays
  }

  /// Queries the store and writes the answer. Blocks.
  func response(
    of organization: OrganizationID, store: any StoreSnapshot
  ) throws(StoreError) -> Result<[UInt8], APIError> {
    let known = KnownNames(of: organization, projects, store)
    if let refusal = try known.refusal(of: environments) { return .failure(.badRequest(refusal)) }
    var latest = HealthQuery(projects: projects, minutes: range.minutes)
    latest.filter = .environments(environments)
    var records: [ReleaseRecord] = []
    var unknown: Set<String> = []
    // The candidate is not its own baseline, which may be the latest of the others.
    for (name, other) in [(base, Optional(candidate)), (candidate, nil)] {
      if let record = try known.release(name, latestIn: latest, besides: other, store) {
        records.append(record)
      } else {
        unknown.insert(try known.refusal(ofReleaseOrLatest: name))
      }
    }
    guard unknown.isEmpty else {
      return .failure(.badRequest(unknown.sorted().joined(separator: " ")))
    }
    let names = records.map(\.version)
    if Name(names[0]) == Name(names[1]) { return .failure(Self.sameRelease) }
    let firstHours = try records.map { (record) throws(StoreError) in
      try record.firstHour(in: projects, environments, store)
    }
    var windows = [range.minutes, range.minutes]
    if isAligned {
      let oldest = (now.day - retentionDays) * 24
      for (name, hour) in zip(names, firstHours) {
        guard let hour, hour < oldest else { continue }
        return .failure(
          .badRequest(
            "The first sessions of \"\(name)\" are no longer kept: it cannot be compared by age."))
      }
      // The running hour is not complete for either release.
      let ages = firstHours.map { $0.map { max(0, now.hour - $0) } ?? 0 }
      let hours = min(self.hours, ages[0], ages[1])
      windows = firstHours.map { first in
        let start = (first ?? now.hour) * 60
        return start..<start + hours * 60
      }
    }
    var sides = try zip(names, zip(windows, firstHours)).map { (name, time) throws(StoreError) in
      try side(name, time.0, time.1, store)
    }
    // Where one side is not known at its age, both are as known now.
    let isKnownAtAge = isAligned && sides.allSatisfy { $0.atAge != nil }
    if isKnownAtAge { for index in sides.indices { sides[index].showAtAge() } }
    sides[0].whole = try whole(windows[0], store)
    sides[1].whole = windows[1] == windows[0] ? sides[0].whole : try whole(windows[1], store)
    return .success(answer(sides, isKnownAtAge, of: selected.having(records)))
  }

  private func answer(
    _ sides: [Side], _ isKnownAtAge: Bool, of concerned: [Project]
  ) -> [UInt8] {
    let bad = bad ?? .widest(concerned.map(\.bad))
    let counts = sides[1].sessions
    let hint = BadHint(crashed: counts.crashed, failed: counts.failed, of: counts.total)
      .sentence(self.bad == nil ? concerned : [], of: owner)
    let deciding = Side.deciding(sides, bad)
    return JSONWriter.object { json in
      json.member("align", isAligned ? "age" : "time")
      json.member("asOf", now)
      json.object("known") { json in
        json.member("sessions", isKnownAtAge ? "atAge" : "now")
        json.member("users", "now")
      }
      json.member("bad", bad.rawValue)
      json.member("hint", hint)
      json.member("verdict", deciding.map { verdict($0, sides, isKnownAtAge).rawValue })
      json.member("verdictOf", deciding?.name)
      json.member("base") { sides[0].write(to: &$0) }
      json.member("candidate") { sides[1].write(to: &$0) }
      json.object("difference") { json in
        for measure in Side.measures {
          json.member(measure.name) { json in
            guard let difference = Side.difference(sides, measure.share) else {
              return json.null()
            }
            json.value(difference, verdict(measure, sides, isKnownAtAge))
          }
        }
      }
    }
  }

  private func verdict(
    _ measure: Side.Measure, _ sides: [Side], _ isKnownAtAge: Bool
  ) -> ChangeVerdict {
    let verdict = measure.verdict(sides)
    let isEqualAge = isKnownAtAge && !measure.isOfUsers
    return !isEqualAge && isEarly(verdict, sides) ? .early : verdict
  }

  /// Whether a verdict favours the younger release, and crashes of its range may still be reported,
  /// while those of the older one, in a range that lies further back, are.
  private func isEarly(_ verdict: ChangeVerdict, _ sides: [Side]) -> Bool {
    let ends = sides.map(\.minutes.upperBound)
    guard isAligned, ends[0] != ends[1], [.better, .worse].contains(verdict),
      (verdict == .better) == (ends[1] > ends[0])
    else { return false }
    let lastReports = Timestamp(minute: max(ends[0], ends[1]))
      .advanced(byMilliseconds: DomainLimits.ageMillisecondsMax)
    return now < lastReports
  }

  private func side(
    _ release: String, _ minutes: Range<Int>, _ firstHour: Int?,
    _ store: any SessionReading & OutcomeStore
  ) throws(StoreError) -> Side {
    var own = HealthQuery(projects: projects, minutes: minutes)
    own.measures = [.sessions, .users, .durations]
    own.filter = .all([.environments(environments), .release(release)])
    var side = Side(
      release: release, minutes: minutes, firstHour: firstHour,
      cell: try store.health(own).first?.totals ?? HealthCell())
    guard isAligned else { return side }
    own.intervalMinutes = 60
    let history = try store.history(own)
    if history.firstKnownHour.map({ $0 * 60 <= minutes.lowerBound }) ?? true {
      side.atAge = history.counts(knownBefore: Timestamp(minute: minutes.upperBound))
    }
    return side
  }

  /// The counts of all releases together.
  private func whole(
    _ minutes: Range<Int>, _ store: any SessionReading
  ) throws(StoreError) -> HealthCell {
    var all = HealthQuery(projects: projects, minutes: minutes)
    all.measures = [.sessions, .users]
    all.filter = .environments(environments)
    return try store.health(all).first?.totals ?? HealthCell()
  }
}

/// One of the two releases.
private struct Side {
  let release: String
  let minutes: Range<Int>
  let firstHour: Int?
  /// The counts as known now.
  let cell: HealthCell
  /// The sessions that are compared.
  private(set) var sessions: SessionCounts
  /// The sessions as known at the end of the range; nil where that is no longer kept.
  var atAge: SessionCounts?
  /// The counts of all releases in the same range.
  var whole = HealthCell()

  init(release: String, minutes: Range<Int>, firstHour: Int?, cell: HealthCell) {
    self.release = release
    self.minutes = minutes
    self.firstHour = firstHour
    self.cell = cell
    sessions = cell.sessions
  }

  /// A share of sessions or users that is compared.
  struct Measure: Sendable {
    let name: String
    var isOfUsers = false
    /// The mildest status that the share is of, or of whose absence; nil for crash-free shares.
    var status: Severity?
    /// Whether the share is of those without the status.
    var isGood = false
    let share: @Sendable (Side) -> Proportion?

    /// The verdict where both sides have a share.
    func verdict(_ sides: [Side]) -> ChangeVerdict {
      guard let own = Side.difference(sides, share) else { return .chance }
      guard let status else { return ChangeVerdict(own, isGood: true) }
      let worse = SeveritySet.worse(than: status)
      guard let sum = Side.difference(sides, { $0.share(of: worse, isOfUsers) }),
        let orWorse = Side.difference(
          sides, { $0.share(of: worse.union(SeveritySet(status)), isOfUsers) })
      else { return .chance }
      guard isGood else { return ChangeVerdict(own, worse: sum, orWorse: orWorse) }
      // Crashes are bad themselves; only what froze instead is not called better.
      let verdict = ChangeVerdict(own, isGood: true)
      let crashed = Side.difference(sides) { $0.share(of: .crashed, isOfUsers) }
      let hasMoved = orWorse.value >= 0 && (crashed?.value ?? 0) >= 0
      return verdict == .better && hasMoved ? .shifted : verdict
    }
  }

  /// The difference of the second side to the first; nil where one has no share.
  static func difference(
    _ sides: [Side], _ share: (Side) -> Proportion?
  ) -> ProportionDifference? {
    guard let one = share(sides[0]), let two = share(sides[1]) else { return nil }
    return ProportionDifference(of: two, from: one)
  }

  /// The measure that decides which side is better: the share of users without a bad session or,
  /// where a side has few users for its sessions, that of sessions; nil where one has no sessions.
  static func deciding(_ sides: [Side], _ bad: BadStatuses) -> Measure? {
    let areUsersKnown = sides.allSatisfy { $0.users.areKnown(of: $0.sessions.total) }
    let kind = areUsersKnown ? "Users" : "Sessions"
    let name =
      switch bad {
      case .crashed: "crashFree" + kind
      case .crashedAndUnhandled: "failureFree" + kind
      }
    return measures.first { measure in
      measure.name == name && sides.allSatisfy { measure.share($0) != nil }
    }
  }

  static let measures = [
    Measure(name: "crashFreeSessions") {
      Proportion($0.sessions.total - $0.sessions.crashed, of: $0.sessions.total)
    },
    Measure(name: "crashFreeUsers", isOfUsers: true) {
      Proportion($0.users.total - $0.users.byWorst.crashed, of: $0.users.total)
    },
    Measure(name: "failureFreeSessions", status: .unhandled, isGood: true) {
      Proportion(
        $0.sessions.total - $0.sessions.bad(.crashedAndUnhandled), of: $0.sessions.total)
    },
    Measure(name: "failureFreeUsers", isOfUsers: true, status: .unhandled, isGood: true) {
      Proportion($0.users.total - $0.users.bad(.crashedAndUnhandled), of: $0.users.total)
    },
    Measure(name: "erroredSessions", status: .errored) { $0.share(of: .errored, false) },
    Measure(name: "erroredUsers", isOfUsers: true, status: .errored) {
      $0.share(of: .errored, true)
    },
    Measure(name: "unhandledSessions", status: .unhandled) { $0.share(of: .unhandled, false) },
    Measure(name: "unhandledUsers", isOfUsers: true, status: .unhandled) {
      Proportion($0.users.withUnhandled, of: $0.users.total)
    },
    Measure(name: "abnormalSessions", status: .abnormal) { $0.share(of: .abnormal, false) },
    Measure(name: "abnormalUsers", isOfUsers: true, status: .abnormal) {
      Proportion($0.users.withAbnormal, of: $0.users.total)
    },
  ]

  /// Shows the sessions as they were known at the end of the range.
  mutating func showAtAge() {
    sessions = atAge ?? sessions
  }

  /// The share of the sessions, or of the users by their worst session.
  private func share(of severities: SeveritySet, _ isOfUsers: Bool) -> Proportion? {
    let counts = isOfUsers ? users.byWorst : sessions
    return Proportion(counts.sum(of: severities), of: counts.total)
  }

  private var users: UserCounts { cell.users }

  func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("release", release)
      json.member("start", Timestamp(minute: minutes.lowerBound))
      json.member("end", Timestamp(minute: minutes.upperBound))
      json.member("firstSession", firstHour.map { Timestamp(minute: $0 * 60) })
      json.member("sessions", sessions)
      json.member("users", users.byWorst)
      for measure in Self.measures { json.member(measure.name, measure.share(self)) }
      json.object("adoption") { json in
        json.member("sessions", Proportion(cell.sessions.total, of: whole.sessions.total)?.value)
        json.member("users", Proportion(users.total, of: whole.users.total)?.value)
      }
      json.member("durationP50", cell.durations?.p50)
      json.member("durationP95", cell.durations?.p95)
    }
  }
}

extension Proportion: JSONWritable {
  func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("value", value)
      json.member("low", interval.lowerBound)
      json.member("high", interval.upperBound)
    }
  }
}

extension JSONWriter {
  fileprivate mutating func value(_ difference: ProportionDifference, _ verdict: ChangeVerdict) {
    object { json in
      json.member("value", difference.value)
      json.member("low", difference.interval.lowerBound)
      json.member("high", difference.interval.upperBound)
      json.member("verdict", verdict.rawValue)
    }
  }
}

extension SessionHistory {
  /// The counts of all buckets that were known before a time, within valid bounds: changes that are
  /// cut at a time may lack the start of a session.
  fileprivate func counts(knownBefore time: Timestamp) -> SessionCounts {
    var sum = buckets.reduce(into: SessionCounts()) { sum, bucket in
      sum += bucket.counts
      for arrival in bucket.late where arrival.time >= time { sum -= arrival.change }
    }
    for severity in Severity.allCases { sum[severity] = max(0, sum[severity]) }
    return sum
  }
}
