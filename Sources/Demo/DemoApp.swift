/// An application of the made-up company: its traffic, users and releases.
package struct DemoApp: Sendable {
  package enum Kind: Sendable {
    /// A mobile app: a session's end is sent later, and a crash at the next launch.
    case mobile
    /// A web page.
    case browser
    /// A server, whose SDK sends session aggregates by the minute.
    case server
  }

  package let kind: Kind
  /// The name of the project, after the company's name.
  package let name: String
  /// Sentry's name of the platform.
  package let platform: String
  let sessionsPerDay: Double
  let users: Int
  /// The median duration of a session, in seconds.
  let durationMedian: Double
  /// The traffic of a weekend day, relative to other days.
  let weekend: Double
  /// The share of the traffic that comes from testers.
  let stagingShare: Double
  /// The releases, oldest first; at the beginning all users have the first one.
  package let releases: [RollOut]

  /// The applications of a company, one of each kind.
  package static func all(company: String) -> [DemoApp] {
    [android(company), web(company), api(company)]
  }

  /// An Android app: 2.6.0 crashes, its roll-out is stopped at a third, and 2.6.1 replaces it.
  private static func android(_ company: String) -> DemoApp {
    let good = Health(errored: 0.012, unhandled: 0, abnormal: 0.003, crashed: 0.005)
    let bad = Health(errored: 0.04, unhandled: 0, abnormal: 0.012, crashed: 0.085)
    let better = Health(errored: 0.009, unhandled: 0, abnormal: 0.002, crashed: 0.0025)
    let package = "com.\(company.filter { $0 != "-" && $0 != "_" }).android"
    return DemoApp(
      kind: .mobile, name: "android", platform: "android", sessionsPerDay: 10_000, users: 6000,
      durationMedian: 150, weekend: 1.25, stagingShare: 0.06,
      releases: [
        RollOut(version: "\(package)@2.4.0+2400", health: good, begin: -1, width: 0.1),
        RollOut(
          version: "\(package)@2.5.0+2510", health: good, begin: 0.12, width: 0.25, ceiling: 0.96),
        RollOut(version: "\(package)@2.6.0+2600", health: bad, begin: 0.5, width: 0.2, stop: 0.58),
        RollOut(
          version: "\(package)@2.6.1+2611", health: better, begin: 0.6, width: 0.2, ceiling: 0.97),
        RollOut(
          version: "\(package)@2.7.0-beta.1+2700", health: good, begin: 0.93, width: 0.3,
          ceiling: 0.2),
      ])
  }

  /// A web page, which has the newest release at its next load.
  private static func web(_ company: String) -> DemoApp {
    let good = Health(errored: 0.022, unhandled: 0.006, crashed: 0.003)
    let worse = Health(errored: 0.05, unhandled: 0.014, crashed: 0.006)
    return DemoApp(
      kind: .browser, name: "web", platform: "javascript", sessionsPerDay: 6000, users: 9000,
      durationMedian: 75, weekend: 0.8, stagingShare: 0.04,
      releases: [
        RollOut(version: "\(company)-web@5.10.0", health: good, begin: -1, width: 0.1),
        RollOut(version: "\(company)-web@5.11.0", health: good, begin: 0.21, width: 0.05),
        RollOut(version: "\(company)-web@5.12.0", health: worse, begin: 0.43, width: 0.05),
        RollOut(version: "\(company)-web@5.12.1", health: good, begin: 0.57, width: 0.05),
        RollOut(version: "\(company)-web@5.13.0", health: good, begin: 0.83, width: 0.05),
      ])
  }

  /// A server, which is deployed to one machine after the other within hours.
  private static func api(_ company: String) -> DemoApp {
    let good = Health(errored: 0.009, crashed: 0.0008)
    return DemoApp(
      kind: .server, name: "api", platform: "python", sessionsPerDay: 8000, users: 0,
      durationMedian: 0, weekend: 0.7, stagingShare: 0.12,
      releases: [
        RollOut(version: "\(company)-api@1.41.0", health: good, begin: -1, width: 0.1),
        RollOut(version: "\(company)-api@1.42.0", health: good, begin: 0.26, width: 0.015),
        RollOut(
          version: "\(company)-api@1.43.0", health: Health(errored: 0.03, crashed: 0.004),
          begin: 0.55, width: 0.015),
        RollOut(version: "\(company)-api@1.43.1", health: good, begin: 0.63, width: 0.015),
        RollOut(version: "\(company)-api@1.44.0", health: good, begin: 0.88, width: 0.015),
      ])
  }
}

/// The daily and weekly rhythm of traffic.
enum Rhythm {
  /// The traffic by the hour of the day, 1 on average: low at night, highest in the evening.
  private static let hours: [Double] = [
    0.45, 0.28, 0.19, 0.15, 0.16, 0.25, 0.48, 0.82, 1.08, 1.15, 1.14, 1.18, 1.30, 1.24, 1.14, 1.12,
    1.18, 1.30, 1.46, 1.60, 1.68, 1.52, 1.14, 0.75,
  ]

  /// The traffic in a minute since 1970, relative to the average.
  static func factor(minute: Int, weekend: Double) -> Double {
    let (hour, rest) = (minute / 60, Double(minute % 60) / 60)
    let (now, next) = (hours[hour % 24], hours[(hour + 1) % 24])
    // 1970-01-01 was a Thursday.
    let weekday = (hour / 24 + 3) % 7
    return (now + (next - now) * rest) * (weekday >= 5 ? weekend : 1)
  }
}
