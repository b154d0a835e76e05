import TestSupport
import HTTP
import Testing

@testable import API

struct PageTests {
  private static let url = "http://h/api/0/organizations/o/sessions/"

  @Test(arguments: [
    ("", 0, 50), ("per_page=10", 0, 10), ("per_page=51", 0, 50),
    ("per_page=39739271897398", 0, 50), ("per_page=", 0, 50),
    ("cursor=0:100:0&per_page=10", 100, 10), ("cursor=0:0:1", 0, 50),
    ("cursor=1573578096:7:1", 7, 50),
  ])
  func reads(query: String, offset: Int, size: Int) throws {
    let page = try Page(QueryParameters(SessionsFixtures.items(query)), sizeMax: 50)
    #expect(page == Page(offset: offset, size: size))
  }

  @Test(arguments: ["0", "-1", "x", "1.5", "x1000000000"])
  func refusesSizes(text: String) {
    #expect(
      throws: APIError.badRequest(
        "Invalid per_page: \"\(text)\". Give a whole number of at least 1.")
    ) { try Page(QueryParameters([("per_page", text)]), sizeMax: 50) }
  }

  @Test(arguments: ["0", "0:100", "0:-1:0", "0:1:2", "x:1:0", "0:1000000000:0", "0:1:0:", "::"])
  func refusesCursors(text: String) {
    #expect(
      throws: APIError.badRequest(
        "Invalid cursor: \"\(text)\". "
          + "Give a cursor from the Link header of an answer, for example 0:100:0.")
    ) { try Page(QueryParameters([("cursor", text)]), sizeMax: 50) }
  }

  @Test func firstPage() {
    #expect(
      Page(offset: 0, size: 100).linkHeader(url: Self.url + "?field=a", hasMore: true)
        == "<\(Self.url)?field=a&cursor=0:0:1>; rel=\"previous\"; results=\"false\"; "
        + "cursor=\"0:0:1\", "
        + "<\(Self.url)?field=a&cursor=0:100:0>; rel=\"next\"; results=\"true\"; "
        + "cursor=\"0:100:0\"")
  }

  @Test func laterPageReplacesItsCursor() {
    #expect(
      Page(offset: 20, size: 30).linkHeader(
        url: Self.url + "?field=a&cursor=0:20:0&per_page=30", hasMore: false)
        == "<\(Self.url)?field=a&per_page=30&cursor=0:0:1>; rel=\"previous\"; results=\"true\"; "
        + "cursor=\"0:0:1\", "
        + "<\(Self.url)?field=a&per_page=30&cursor=0:50:0>; rel=\"next\"; results=\"false\"; "
        + "cursor=\"0:50:0\"")
  }

  @Test func linkCannotBeEndedByTheURL() {
    let header = Page(offset: 0, size: 1).linkHeader(
      url: "/a>\"\r\nSet-Cookie: x?q=<ü", hasMore: false)
    #expect(header.hasPrefix("</a%3E%22%0D%0ASet-Cookie:%20x?q=%3C%C3%BC&cursor=0:0:1>; "))
    #expect(Page(offset: 0, size: 1).linkHeader(url: "/a", hasMore: false).hasPrefix("</a?cursor="))
  }
}
