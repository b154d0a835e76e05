import Compression
import Foundation
import HTTP
import TestSupport
import Testing

@testable import Dashboard
@testable import Service

@Suite struct DashboardEndpointTests {
  private func get(
    _ fixture: ServiceFixture, _ path: String, _ headers: Headers = [:]
  ) -> Response {
    var headers = headers
    headers.add("Cookie", "hale_token=\(ServiceFixture.token)")
    return fixture.send(.get, path, headers: headers)
  }

  private func text(_ response: Response) -> String {
    String(decoding: response.body, as: UTF8.self)
  }

  @Test func onePageForAllViewsAndNoOthers() throws {
    let fixture = try ServiceFixture()
    let page = get(fixture, "/")
    #expect(page.status == 200 && page.headers["Content-Type"] == "text/html; charset=utf-8")
    #expect(page.headers["Content-Security-Policy"]?.contains("unsafe") == false)
    for path in ["/releases/shop%401.0/", "/settings", "/sign-in/"] {
      #expect(get(fixture, path).body == page.body)
    }
    for path in ["/releases/", "/releases/a/b", "/nothing", "/assets/x/nothing.js", "/assets/x"] {
      #expect(get(fixture, path).status == 404, "\(path)")
    }
    #expect(fixture.send(.post, "/", headers: [:]).status == 405)
    #expect(fixture.send(.put, "/sign-in/", headers: [:]).headers["Allow"] == "GET, HEAD, POST")
  }

  /// The files that the page names exist, can be cached forever, and are all files.
  @Test func everyFileIsNamedAndFound() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../../Sources/Dashboard/Page").standardizedFileURL
    let walk = try #require(
      FileManager.default.enumerator(atPath: folder.path(percentEncoded: false)))
    let present = walk.compactMap { $0 as? String }.filter { $0.contains(".") }
    #expect(Set(present) == Set(DashboardFiles.all.map(\.name) + ["index.html"]))

    let fixture = try ServiceFixture()
    let page = text(get(fixture, "/"))
    let named = Set(page.matches(of: /assets\/[0-9a-f]+\/[\w.\/-]+/).map { String($0.output) })
    #expect(named.count == DashboardFiles.all.count)
    for path in named {
      let file = get(fixture, "/" + path)
      #expect(file.status == 200)
      #expect(file.headers["Cache-Control"] == "public, max-age=31536000, immutable")
    }
    let old = get(fixture, "/assets/0000000000000000/main.js")
    #expect(old.status == 200 && old.headers["Cache-Control"] == "no-cache")
  }

  @Test func cachedFilesAreNotSentAgain() throws {
    let fixture = try ServiceFixture()
    let tag = try #require(get(fixture, "/").headers["ETag"])
    #expect(get(fixture, "/", ["If-None-Match": tag]).status == 304)
  }

  @Test func filesAreCompressedForClientsThatAcceptIt() throws {
    let fixture = try ServiceFixture()
    let plain = get(fixture, "/")
    #expect(plain.headers["Content-Encoding"] == nil)
    #expect(get(fixture, "/", ["Accept-Encoding": "gzip;q=0, br"]).body == plain.body)
    let packed = get(fixture, "/", ["Accept-Encoding": "br, gzip;q=0.8"])
    #expect(packed.headers["Content-Encoding"] == "gzip")
    #expect(packed.body == gzip(plain.body) && packed.body.count < plain.body.count)
  }

  /// The size of all files, as a browser loads them.
  @Test func theWholePageIsSmall() {
    let sizes = DashboardFiles.all.map { gzip($0.bytes)?.count ?? 0 }
    #expect(sizes.reduce(0, +) <= 200_000)
  }

  @Test func theBaseHasThePathOfAProxy() throws {
    let fixture = try ServiceFixture(pathPrefix: "/tools/hale")
    #expect(text(get(fixture, "/tools/hale/")).contains(#"<base href="/tools/hale/">"#))
    #expect(text(get(fixture, "/")).contains(#"<base href="/tools/hale/">"#))
  }
}
