import Bytes
import ReleaseHealth
import TestSupport
import Testing

@Suite struct SessionReducerTests {
  /// Every order of up to five updates, with every single repetition at every position, gives the
  /// same session, and its severity is that of all raw updates.
  @Test(arguments: 0..<40 as Range<UInt64>)
  func everyOrderAndRepetitionGivesTheSameSession(seed: UInt64) {
    var generator = ReportGenerator(seed: seed)
    let reports = generator.session(startedIn: 1_000_000_000..<1_100_000_000)
    let expected = fold(reports)
    for order in permutations(reports) {
      #expect(fold(order) == expected)
      for repeated in order {
        for place in 0...order.count {
          var again = order
          again.insert(repeated, at: place)
          #expect(fold(again) == expected)
        }
      }
    }
    #expect(expected?.earliestStart == reports.map(\.correctedStart).min())
    var users: [UserID] = []
    expected?.users.forEach { users.append($0) }
    #expect(users == Set(reports.compactMap(user)).sorted())
  }

  /// The changes of counts of all transitions sum up to the counts of the final session.
  @Test(arguments: 0..<40 as Range<UInt64>)
  func transitionsSumUpToTheContribution(seed: UInt64) {
    var generator = ReportGenerator(seed: seed)
    let reports = generator.session(startedIn: 1_000_000_000..<1_100_000_000)
    for order in permutations(reports) {
      var known: Session?
      var standing: [Contribution] = []
      for report in order {
        let transition = SessionReducer.reduce(known, report.report, user: user(report))
        if let withdrawn = transition.withdrawn {
          #expect(standing == [withdrawn])
          standing = []
        }
        if let added = transition.added { standing.append(added) }
        known = transition.session
      }
      #expect(standing == [known!.contribution])
    }
  }

  @Test func repetitionChangesNothing() {
    var generator = ReportGenerator(seed: 1)
    for report in generator.session(startedIn: 0..<1000) {
      let session = Session(report.report, user: user(report))
      let transition = SessionReducer.reduce(session, report.report, user: user(report))
      #expect(!transition.isChanged && transition.added == nil && transition.withdrawn == nil)
    }
  }

  struct SeverityCase: Sendable {
    var name: String
    var errors: UInt64
    var severity: Severity
  }

  @Test(arguments: [
    SeverityCase(name: "ok", errors: 0, severity: .healthy),
    SeverityCase(name: "ok", errors: 1, severity: .errored),
    SeverityCase(name: "exited", errors: 0, severity: .healthy),
    SeverityCase(name: "exited", errors: 2, severity: .errored),
    SeverityCase(name: "errored", errors: 0, severity: .errored),
    SeverityCase(name: "unhandled", errors: 0, severity: .unhandled),
    SeverityCase(name: "abnormal", errors: 5, severity: .abnormal),
    SeverityCase(name: "crashed", errors: 0, severity: .crashed),
    SeverityCase(name: "degraded", errors: 0, severity: .errored),
    SeverityCase(name: "CRASHED", errors: 0, severity: .errored),
  ])
  func severityOfOneUpdate(_ example: SeverityCase) {
    #expect(
      Severity(status: SessionStatus(name: example.name), errors: example.errors)
        == example.severity)
  }

  @Test func mechanismCountsFromAbnormalUpdatesOnly() {
    let key = SessionKey(
      series: SeriesKey(project: ProjectID(rawValue: 1), release: "r", environment: nil),
      started: Timestamp(seconds: 0), sessionID: SessionID(value: 1))
    func report(_ status: SessionStatus) -> SessionReport {
      NamedReport(key: key, correctedStart: key.started, status: status, mechanism: .foreground)
        .report
    }
    #expect(report(.abnormal).mechanism == .foreground)
    #expect(report(.exited).mechanism == .none)
    #expect(report(.crashed).mechanism == .none)
    var session = Session(report(.crashed), user: nil)
    let hasRoom = session.join(report(.abnormal), user: nil, hashes: [:])
    #expect(hasRoom)
    #expect(session.mechanism == .foreground)
  }

  /// A session with too many users keeps those with the least hashes: any order and repetition of
  /// the updates leaves the same ones, although the store numbers users as they arrive.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func ofTooManyUsersTheLeastHashesStay(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let limit = DomainLimits.usersPerSessionMax
    let count = limit + Int.random(in: 1...20, using: &random)
    let hashes = (0..<count).map { _ in UserHash(value: UInt128(random.next()) << 64) }
    let least = Set(hashes.sorted { $0.value < $1.value }.prefix(limit))
    for _ in 0..<10 {
      let order = (hashes + hashes.prefix(30)).shuffled(using: &random)
      var numbers: [UserHash: UserID] = [:]
      for hash in order where numbers[hash] == nil {
        numbers[hash] = UserID(rawValue: UInt32(numbers.count))
      }
      let known = Dictionary(uniqueKeysWithValues: numbers.map { ($1, $0) })
      var session = Session(start: Timestamp(seconds: 0))
      var omitted = 0
      for hash in order {
        var report = SessionReport(
          sessionID: SessionID(value: 1), started: Timestamp(seconds: 0))
        report.user = hash
        let transition = SessionReducer.reduce(
          session, report, user: numbers[hash], hashes: session.users.isFull ? known : [:])
        #expect(transition.isChanged == (transition.session != session))
        if transition.hasTooManyUsers { omitted += 1 }
        session = transition.session
      }
      var kept: [UserID] = []
      session.users.forEach { kept.append($0) }
      #expect(kept == kept.sorted() && kept.count == limit)
      #expect(Set(kept.compactMap { known[$0] }) == least)
      #expect(omitted >= count - limit)
    }
  }

  private func fold(_ reports: [NamedReport]) -> Session? {
    reports.reduce(nil) { known, report in
      SessionReducer.reduce(known, report.report, user: user(report)).session
    }
  }

  private func user(_ report: NamedReport) -> UserID? {
    report.user.map { UserID(rawValue: UInt32(truncatingIfNeeded: $0.value >> 64)) }
  }

  private func permutations(_ reports: [NamedReport]) -> [[NamedReport]] {
    if reports.count < 2 { return [reports] }
    return reports.indices.flatMap { index -> [[NamedReport]] in
      var rest = reports
      let first = rest.remove(at: index)
      return permutations(rest).map { [first] + $0 }
    }
  }
}
