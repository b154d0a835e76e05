import Access
import HTTP
import ReleaseHealth
import SQLiteStorage
import Service
import Storage
import TestSupport

/// The service that the rules of the sessions API are shown with.
///
/// Its clock stands at 2026-01-01T12:00:00Z. In project 1, `shop`, these sessions began, of the
/// users a to e; all but the crashed one exited:
///
/// | | 10 o'clock | 11 o'clock |
/// |---|---|---|
/// | `app@1`, production | a: healthy, 1 s · b: healthy, 3 s · a: crashed | a: healthy, 0.1 s |
/// | `app@2`, production | | d: hung in the foreground · e: unhandled |
/// | `app@2`, no environment | | c: errored |
///
/// Project 2, `many`, has a session of each of twelve releases, and project 3, `none`, has none.
struct RulesWorld {
  let fixture: ServiceFixture

  init() throws {
    fixture = try ServiceFixture { store in
      for (slug, digit) in [("many", "2"), ("none", "3")] {
        _ = try store.createProject(
          organization: OrganizationID(rawValue: 1), slug: slug, settings: ProjectSettings(),
          id: nil,
          publicKey: String(repeating: digit, count: 32), at: ServiceFixture.now)
      }
      let empty = try store.createOrganization(slug: "empty", at: ServiceFixture.now)
      _ = try store.createToken(
        organization: empty.id, name: "test", scope: .read,
        digest: TokenDigest.digest("a-token-of-nothing"), at: ServiceFixture.now)
    }
    var batch = IngestBatch(receivedAt: ServiceFixture.now)
    func add(
      _ project: Int64, _ release: String, _ environment: String?, hour: Int64,
      _ status: SessionStatus, user: Character? = nil, duration: Int64? = nil,
      hang: AbnormalMechanism = .none
    ) {
      let started = ServiceFixture.now.advanced(byMilliseconds: (hour - 12) * 3_600_000 + 900_000)
      let key = SessionKey(
        series: SeriesKey(
          project: ProjectID(rawValue: project), release: release, environment: environment),
        started: started, sessionID: SessionID(value: UInt128(batch.reports.count + 1)))
      let user = user.map { UserHash(value: UInt128($0.asciiValue ?? 0)) }
      batch.add(
        NamedReport(
          key: key, correctedStart: started, status: status, mechanism: hang,
          durationMilliseconds: duration, user: user))
    }
    add(1, "app@1", "production", hour: 10, .exited, user: "a", duration: 1000)
    add(1, "app@1", "production", hour: 10, .exited, user: "b", duration: 3000)
    add(1, "app@1", "production", hour: 10, .crashed, user: "a", duration: 9000)
    add(1, "app@1", "production", hour: 11, .exited, user: "a", duration: 100)
    add(1, "app@2", "production", hour: 11, .abnormal, user: "d", hang: .foreground)
    add(1, "app@2", "production", hour: 11, .unhandled, user: "e")
    add(1, "app@2", nil, hour: 11, .errored, user: "c")
    for number in 1...12 { add(2, "many@\(number)", nil, hour: 11, .exited) }
    try fixture.store.ingest(batch)
  }

  func ask(
    _ request: String, organization: String = "default", token: String = ServiceFixture.token
  ) -> (status: Int, text: String, link: String) {
    let items = SessionsFixtures.items(request).map { item in
      "\(item.name)=\(item.value.map { Self.encoded($0) }.joined())"
    }
    let response = fixture.send(
      .get,
      "/api/0/organizations/\(organization)/sessions/?\(items.joined(separator: "&"))",
      headers: ["Authorization": "Bearer \(token)"])
    return (
      response.status, String(decoding: response.body, as: UTF8.self),
      response.headers["Link"] ?? ""
    )
  }

  private static func encoded(_ character: Character) -> String {
    character.isLetter || character.isNumber
      ? String(character)
      : character.utf8.map { "%\(String($0 >> 4, radix: 16))\(String($0 & 15, radix: 16))" }
        .joined()
  }
}
