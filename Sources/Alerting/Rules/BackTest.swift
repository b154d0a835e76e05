internal import Bytes
internal import ReleaseHealth
internal import Storage

/// When a rule would have fired in a past range, by what was known at each time.
///
/// Rules about sessions are replayed from the arrival log. It knows ten-minute steps of arrival
/// and whole hours of start: so the rule is evaluated every ten minutes by what had arrived by
/// then, and its window is widened to the start hours that it touches. Users are not in the log:
/// rules about them are replayed from the evaluations that a rule recorded, minute by minute.
struct BackTest {
  let rule: AlertRule
  let organization: OrganizationID
  /// On the steps.
  let start: Timestamp
  let end: Timestamp

  static let daysMax = 30
  /// The length of a step of the arrival log.
  static let stepMinutes = 10

  struct Transition: Equatable {
    var time: Timestamp
    var before: AlertLevel
    var after: AlertLevel
    var value: Double
    var sessions: Int64
    var release: String?
  }

  struct Answer: Equatable {
    var stepMinutes: Int
    /// Before it nothing is known; nil when all is.
    var knownFrom: Timestamp?
    var transitions: [Transition] = []
    /// Minutes spent at each level, by its number.
    var minutes = [0, 0, 0]
    /// The minutes among them without data, or with too little of it.
    var minutesWithoutData = 0

    fileprivate mutating func note(
      _ value: Double?, _ reading: (sessions: Int64, release: String?), at time: Timestamp,
      from before: AlertState, to after: AlertState
    ) {
      minutes[after.level.rawValue] += stepMinutes
      guard let value else {
        minutesWithoutData += stepMinutes
        return
      }
      guard before.level != after.level else { return }
      transitions.append(
        Transition(
          time: time, before: before.level, after: after.level, value: value,
          sessions: reading.sessions, release: reading.release))
    }
  }

  // MARK: Sessions

  /// Blocks.
  func replay(_ store: any ReleaseStore & OutcomeStore) throws(StoreError) -> Answer {
    var known = try store.firstArrivalHour() ?? .min
    if rule.measure.isCount {
      // Before its first session a project has not fallen silent.
      var list = ReleaseList(of: organization, projects: Set(rule.projects), limit: 1)
      list.isFlat = true
      list.order = .createdAscending
      known = max(known, try store.releases(list).first?.created.hour ?? end.hour + 1)
    }
    var replay = Replay(rule: rule, knownHour: known, start: start)
    let begin = Self.hours(of: rule, at: start).lowerBound
    let weeks = rule.comparison == .previousWeek ? 7 * 24 : 0
    let query = rule.query((begin - weeks) * 60..<(end.hour + 1) * 60)
    var next: Int?
    repeat {
      let page = try store.arrivals(query, from: next)
      if rule.needsReleases {
        let names = replay.unknownReleases(of: page.changes).map(\.text)
        replay.add(try store.standings(of: names, in: query, of: organization))
      }
      for change in page.changes {
        try replay.evaluate(before: change.step * Self.stepMinutes + 1, end: end.minute)
        replay.add(change)
      }
      try CurrentQuery.hold(page.changes.count * MemoryLayout<ArrivalChange>.stride)
      next = page.next
    } while next != nil
    try replay.evaluate(before: end.minute + 1, end: end.minute)
    return replay.answer
  }

  /// The start hours that the window of a rule touches. A count is looked for in an hour at
  /// least: what began just now has hardly arrived.
  fileprivate static func hours(of rule: AlertRule, at time: Timestamp) -> Range<Int> {
    var minutes = rule.window(at: time)
    if rule.measure.isCount, rule.comparison == nil, minutes.count < 60 {
      minutes = minutes.upperBound - 60..<minutes.upperBound
    }
    return minutes.lowerBound.flooredDivision(
      by: 60)..<(minutes.upperBound + 59).flooredDivision(by: 60)
  }

  private struct Replay {
    let rule: AlertRule
    private var releases: [Name: ReleaseStanding] = [:]
    let knownHour: Int
    var answer = Answer(stepMinutes: BackTest.stepMinutes)
    private var current = SlidingCounts()
    private var base = SlidingCounts()
    private var state = AlertState()
    /// The minute of the next evaluation.
    private var next: Int

    init(rule: AlertRule, knownHour: Int, start: Timestamp) {
      var rule = rule
      // The evaluations of a step, one a minute.
      rule.period = (rule.period + BackTest.stepMinutes - 1) / BackTest.stepMinutes
      self.rule = rule
      self.knownHour = knownHour
      next = start.minute
      if knownHour > start.hour { answer.knownFrom = Timestamp(minute: knownHour * 60) }
    }

    /// The releases of changes of which nothing is known yet.
    func unknownReleases(of changes: [ArrivalChange]) -> Set<Name> {
      Set(changes.map { Name($0.key.release ?? "") }).subtracting(releases.keys)
    }

    mutating func add(_ standings: [Name: ReleaseStanding]) {
      releases.merge(standings) { _, last in last }
    }

    /// Adds what arrived before the evaluations that come.
    mutating func add(_ change: ArrivalChange) {
      let release = Name(change.key.release ?? "")
      current.add(change.change, hour: change.hour, release)
      if rule.comparison == .previousWeek { base.add(change.change, hour: change.hour, release) }
    }

    /// Makes the evaluations that are due before a minute.
    mutating func evaluate(before minute: Int, end: Int) throws(StoreError) {
      while next < minute, next <= end {
        try CurrentQuery.check()
        evaluate(at: Timestamp(minute: next))
        next += BackTest.stepMinutes
      }
    }

    private mutating func evaluate(at time: Timestamp) {
      let window = BackTest.hours(of: rule, at: time)
      var first = window.lowerBound
      current.slide(to: window)
      var weekBefore: AlertReleases?
      if rule.comparison == .previousWeek {
        let week = window.lowerBound - 7 * 24..<window.upperBound - 7 * 24
        first = week.lowerBound
        base.slide(to: week)
        weekBefore = AlertReleases(
          base.counts, known: releases, end: time.advanced(byMilliseconds: -7 * 86_400_000))
      }
      let reading = rule.reading(
        AlertReleases(current.counts, known: releases, end: time), weekBefore: weekBefore)
      let value = first >= knownHour ? rule.value(of: reading) : nil
      let before = state
      state = rule.state(after: value, from: before)
      answer.note(
        value, (reading.current.sessions.total, reading.release), at: time, from: before, to: state)
    }
  }

  // MARK: Users

  /// Replays the evaluations of a rule that queries the same value.
  func replay(records of: StoredAlertRule, _ alerts: any AlertStore) throws(StoreError) -> Answer {
    let first = max(start.minute, of.requested.minute)
    let end = max(first, self.end.minute)
    var answer = Answer(stepMinutes: 1, knownFrom: Timestamp(minute: first))
    var state = AlertState()
    let records = try alerts.alertRecords(
      of: of.id, minutes: first..<end, limit: Self.daysMax * 1440)
    var next = first
    for record in records {
      // Minutes of which nothing was recorded: the state stands.
      let gap = record.time.minute - next
      answer.minutes[state.level.rawValue] += gap
      answer.minutesWithoutData += gap
      next = record.time.minute + 1
      let isEnough =
        rule.comparison != nil || rule.measure.isCount || record.sessions >= rule.sessionsMin
      let value = isEnough ? record.value : nil
      let before = state
      state = rule.state(after: value, from: before)
      answer.note(value, (record.sessions, nil), at: record.time, from: before, to: state)
    }
    answer.minutes[state.level.rawValue] += end - next
    answer.minutesWithoutData += end - next
    return answer
  }
}

/// Counts by start hour and release, with the sums of a window that moves on.
struct SlidingCounts {
  private var hours: [Int: [Name: SessionCounts]] = [:]
  private var sums: [Name: SessionCounts] = [:]
  private var window = 0..<0

  var counts: [(release: String, counts: AlertCounts)] {
    sums.map { ($0.key.text, AlertCounts(sessions: $0.value)) }
  }

  mutating func add(_ change: SessionCounts, hour: Int, _ release: Name) {
    hours[hour, default: [:]][release, default: SessionCounts()] += change
    if window.contains(hour) { sums[release, default: SessionCounts()] += change }
  }

  /// - Parameter next: neither of its ends lies before the one of the last call.
  mutating func slide(to next: Range<Int>) {
    for hour in window where !next.contains(hour) {
      for (release, counts) in hours[hour] ?? [:] {
        sums[release, default: SessionCounts()] -= counts
        if sums[release]?.isZero == true { sums[release] = nil }
      }
    }
    for hour in next where !window.contains(hour) {
      for (release, counts) in hours[hour] ?? [:] {
        sums[release, default: SessionCounts()] += counts
      }
    }
    window = next
  }
}

extension BackTest.Answer {
  func json(of test: BackTest, name: String) -> [UInt8] {
    JSONWriter.object { json in
      json.member("rule", name)
      json.member("start", test.start)
      json.member("end", test.end)
      json.member("basis", stepMinutes == 1 ? "evaluations" : "arrivals")
      json.member("stepMinutes", stepMinutes)
      json.member("knownFrom", knownFrom)
      json.objects("transitions", of: transitions) { json, transition in
        json.member("time", transition.time)
        json.member("from", transition.before.name)
        json.member("to", transition.after.name)
        json.member("value", transition.value)
        json.member("sessions", transition.sessions)
        json.member("release", transition.release)
      }
      json.object("minutes") { json in
        for level in AlertLevel.allCases {
          json.member(level.name, minutes[level.rawValue])
        }
        json.member("withoutData", minutesWithoutData)
      }
    }
  }
}
