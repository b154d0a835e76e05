import Access
import HTTP
import Locks
import ReleaseHealth
import Storage
import TestSupport
import Testing

@testable import Service

/// A poll without changes causes no query of the store.
@Suite struct EntityTagTests {
  private static let list = "/api/0/organizations/default/releases/"

  private func query(
    _ fixture: ServiceFixture, tag: String? = nil, token: String = ServiceFixture.token
  ) -> Response {
    var headers: Headers = ["Authorization": "Bearer \(token)"]
    if let tag { headers.add("If-None-Match", tag) }
    return fixture.send(.get, Self.list, headers: headers)
  }

  @Test func theSameAnswerIsNotSentTwice() throws {
    let fixture = try ServiceFixture()
    let first = query(fixture)
    let tag = try #require(first.headers["ETag"])
    #expect(first.headers["Cache-Control"] == "private, no-cache")
    for named in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
      let again = query(fixture, tag: named)
      #expect(again.status == 304 && again.body.isEmpty)
      #expect(again.headers["ETag"] == tag)
    }
    // A client without permission gets no 304.
    #expect(query(fixture, tag: tag, token: "wrong").status == 401)
    #expect(query(fixture, tag: tag, token: ServiceFixture.adminToken).status == 200)
  }

  /// The range of a poll changes with each minute, and when the minute begins to be a part of it.
  @Test func minutesChangeTheTag() throws {
    let time = Locked(ServiceFixture.now)
    let fixture = try ServiceFixture(clock: WallClock { time.withLock { $0 } })
    let tags = [0, 1, 59_999, 60_000, 60_001].map { (milliseconds: Int64) in
      time.withLock { $0 = ServiceFixture.now.advanced(byMilliseconds: milliseconds) }
      return query(fixture).headers["ETag"] ?? ""
    }
    #expect(tags[1] == tags[2] && Set(tags).count == 4)
  }

  @Test func sessionsChangesAndCommandsChangeTheTag() throws {
    let fixture = try ServiceFixture()
    var tags = [query(fixture).headers["ETag"]]
    #expect(fixture.send(sessionEnvelope).status == 200)
    tags.append(query(fixture, tag: tags[0]).headers["ETag"])
    #expect(
      fixture.change(.post, Self.list, #"{"version":"a@1","projects":["shop"]}"#).status == 201)
    tags.append(query(fixture, tag: tags[1]).headers["ETag"])
    try fixture.change { (catalog) throws(StoreError) in
      _ = try catalog.createOrganization(slug: "another", at: ServiceFixture.now)
    }
    tags.append(query(fixture, tag: tags[2]).headers["ETag"])
    #expect(Set(tags.compactMap(\.self)).count == 4)
  }

  private var sessionEnvelope: String {
    """
    {}
    {"type":"session"}
    {"sid":"00000000-0000-0000-0000-000000000001","init":true,"status":"exited",\
    "started":"2026-01-01T11:59:00Z","attrs":{"release":"shop@1"}}

    """
  }
}
