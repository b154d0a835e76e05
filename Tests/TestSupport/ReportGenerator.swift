package import Bytes
package import ReleaseHealth

/// Generates random reports of a small world with few projects, releases, environments and users,
/// so that they often coincide.
package struct ReportGenerator {
  package var random: SplitMix64
  package var releases = ["shop@1.0.0", "shop@1.1.0", "shop@2.0.0"]
  private var nextSession: UInt64 = 0

  package init(seed: UInt64) {
    random = SplitMix64(seed: seed)
  }

  package mutating func series() -> SeriesKey {
    SeriesKey(
      project: ProjectID(rawValue: Int64.random(in: 1...2, using: &random)),
      release: releases.randomElement(using: &random)!,
      environment: [nil, "production", "staging"].randomElement(using: &random)!)
  }

  package mutating func user() -> UserHash? {
    Bool.random(using: &random)
      ? nil : UserHash(value: UInt128(UInt64.random(in: 1...12, using: &random)) << 64 | 7)
  }

  /// Generates the updates of one session: up to five, some with a corrected start of their own.
  package mutating func session(startedIn range: Range<Int64>) -> [NamedReport] {
    nextSession += 1
    let started = Timestamp(milliseconds: Int64.random(in: range, using: &random))
    let key = SessionKey(
      series: series(), started: started,
      sessionID: SessionID(value: UInt128(random.next()) << 64 | UInt128(nextSession)))
    let user = user()
    return (0..<Int.random(in: 1...5, using: &random)).map { index in
      let status = Self.statuses.randomElement(using: &random)!
      var corrected = started
      if Int.random(in: 0..<8, using: &random) == 0 {
        let other = Int64.random(in: range, using: &random)
        corrected = Timestamp(milliseconds: other)
      }
      return NamedReport(
        key: key, correctedStart: corrected, status: status,
        errors: [0, 0, 0, 1, 3].randomElement(using: &random)!,
        mechanism: AbnormalMechanism.allCases.randomElement(using: &random)!,
        durationMilliseconds: Bool.random(using: &random)
          ? Int64.random(in: 0...100_000, using: &random) : nil,
        isInitial: index == 0,
        user: Int.random(in: 0..<6, using: &random) == 0 ? self.user() : user)
    }
  }

  package mutating func aggregate(startedIn range: Range<Int64>) -> NamedAggregate {
    NamedAggregate(
      series: series(),
      AggregatedSessions(
        correctedStart: Timestamp(milliseconds: Int64.random(in: range, using: &random)),
        counts: SessionCounts(
          healthy: Int64.random(in: 0...9, using: &random),
          errored: Int64.random(in: 0...2, using: &random),
          unhandled: Int64.random(in: 0...1, using: &random),
          abnormal: Int64.random(in: 0...1, using: &random),
          crashed: Int64.random(in: 0...2, using: &random)),
        user: user()))
  }

  private static let statuses: [SessionStatus] = [
    .ok, .ok, .ok, .exited, .exited, .exited, .errored, .unhandled, .abnormal, .crashed, .unknown,
  ]
}
