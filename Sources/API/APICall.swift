internal import Bytes
package import Access
internal import FoundationEssentials
internal import Locks
package import HTTP
package import ReleaseHealth
package import Storage

/// An authenticated request to a route of the API.
package struct APICall: Sendable {
  package let address: APIAddress
  package let head: RequestHead
  /// The values of the route's placeholders in the path.
  package var names: [Substring: String]
  package let token: APIToken
  package let snapshot: CatalogSnapshot
  package let now: Timestamp
  /// The body of a change; empty for queries.
  package var body: [UInt8] = []

  /// The parameters of the URL.
  package var items: [(name: String, value: String)] { queryItems(head.query) }

  /// The organization that the path names by slug or id; the token has to belong to it.
  package func organization() throws(APIError) -> Organization {
    let name = names["organization"] ?? ""
    guard let organization = snapshot.organization(name) else {
      // Errors name no organization but the one of the token.
      let own = snapshot.catalog.organizations.filter { $0.id == token.organization }
      throw .noOrganization(name, among: own)
    }
    guard organization.id == token.organization else { throw .forbidden }
    return organization
  }

  /// Checks that the path names what the token may see, before a body is read.
  func checkPath() throws(APIError) {
    if names["project"] != nil {
      _ = try project()
    } else if names["organization"] != nil {
      _ = try organization()
    }
  }

  /// The projects of the organization that the path names.
  package func projects() throws(APIError) -> [Project] {
    snapshot.projects(of: try organization())
  }

  /// The project that the path names, by slug or id.
  package func project() throws(APIError) -> Project {
    guard let project = try projects().first(named: names["project"] ?? "") else {
      throw .notFound
    }
    return project
  }

  /// The release that the path names.
  package var version: String { names["version"] ?? "" }

  /// What takes about as long as the query of the call: equal ones and, of the same route, those
  /// with about as long parameters.
  func kind(of route: String) -> QueryKind {
    let target = head.headers.block[head.target]
    var exact = Hasher()
    exact.combine(target.count)
    exact.combine(target)
    exact.combine(body)
    var broad = Hasher()
    broad.combine(route)
    broad.combine((target.count + body.count).leadingZeroBitCount)
    return QueryKind(exact: exact.finalize(), broad: broad.finalize())
  }

  /// The body as JSON.
  package func json<Value: Decodable>(_ type: Value.Type) throws(APIError) -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(body))
    } catch let error as APIError {
      throw error
    } catch {
      throw .badRequest("The body is not the expected JSON\(Self.place(of: error)).")
    }
  }

  /// The names of the members of the body; none if it is no object.
  var memberNames: [String] {
    get throws(APIError) {
      if JSONReader.hasTooManyMarks(body) {
        throw .badRequest("The body has a text with too many combining marks in a row.")
      }
      let names = JSONReader.memberNames(body, max: AcceptedNames.givenMax + 1)
      if names.count > AcceptedNames.givenMax { throw AcceptedNames.tooMany("members", of: "body") }
      return names
    }
  }

  /// The names of the parameters of the URL.
  var parameterNames: [String] {
    get throws(APIError) {
      let names = items.map(\.name)
      if names.count > AcceptedNames.givenMax {
        throw AcceptedNames.tooMany("parameters", of: "URL")
      }
      return names
    }
  }

  /// Names the invalid member of the body, if the decoder reports it.
  private static func place(of error: any Error) -> String {
    guard let error = error as? DecodingError else { return "" }
    switch error {
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      let name = context.codingPath.map(\.stringValue).joined(separator: ".")
      if name.isEmpty { return ": it must be an object" }
      return ": \"\(name)\" has the wrong type" + (type == String.self ? ", expected a string" : "")
    case .keyNotFound(let key, _): return ": \"\(key.stringValue)\" is missing"
    case .dataCorrupted: return ": it cannot be read"
    @unknown default: return ""
    }
  }

  /// The scheme and authority by which clients reach the service; nil if neither the public URL nor
  /// the request has them.
  package var origin: String? {
    address.publicOrigin
      ?? head.headers["Host"].map { (head.cameByTLS ? "https://" : "http://") + $0 }
  }

  /// The request's address as the client may have written it, for links to other pages.
  package var url: String {
    (origin ?? "") + head.path + (head.query.map { "?\($0)" } ?? "")
  }
}
