import ReleaseHealth
import Service
import Storage
import TestSupport

extension ServiceFixture {
  /// Three releases of different age, use and health. The clock stands at noon.
  static func world() throws -> ServiceFixture {
    let fixture = try ServiceFixture()
    func sessions(
      _ release: String, _ hoursAgo: Int64, count: Int, crashed: Int = 0,
      environment: String = "production"
    ) throws {
      var batch = IngestBatch(
        receivedAt: ServiceFixture.now.advanced(byMilliseconds: -hoursAgo * 3_600_000))
      for index in 0..<count {
        batch.add(
          NamedReport(
            key: SessionKey(
              series: SeriesKey(
                project: ProjectID(rawValue: 1), release: release, environment: environment),
              started: batch.receivedAt,
              sessionID: SessionID(
                value: UInt128(release.utf8.reduce(UInt32(0)) { $0 &* 31 &+ UInt32($1) }) << 64
                  | UInt128(index) << 8 | UInt128(hoursAgo))),
            correctedStart: batch.receivedAt, status: index < crashed ? .crashed : .exited,
            user: UserHash(value: UInt128(index))))
      }
      batch.outcomes[OutcomeKey(project: ProjectID(rawValue: 1), outcome: .accepted)] = Int64(count)
      try fixture.store.ingest(batch)
    }
    try sessions("shop@1.0.0+7", 72, count: 40, crashed: 4)
    try sessions("shop@1.10.0+8", 48, count: 30)
    try sessions("shop@1.10.0+8", 3, count: 30, crashed: 3)
    try sessions("shop@1.9.0", 24, count: 2)
    try sessions("shop@1.9.0", 2, count: 10, crashed: 5)
    try sessions("shop@1.9.0", 2, count: 1, environment: "staging")
    _ = try fixture.store.runAdoption(at: ServiceFixture.now)
    return fixture
  }
}
