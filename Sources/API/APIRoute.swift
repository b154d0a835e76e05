internal import Bytes
package import HTTP
package import Storage

/// The methods of one path of the API.
package struct APIRoute: Sendable {
  /// Answers on a worker's thread; may block.
  package typealias Work = @Sendable () throws(StoreError) -> Response

  /// A method of the path, with its implementation.
  package struct Action: Sendable {
    package let method: Method
    /// The scope that the token needs.
    package let scope: TokenScope
    /// The parameters of the URL.
    package let parameters: AcceptedNames
    /// The members of the body.
    package let members: AcceptedNames
    /// Reads and checks the request on the loop thread; fast, and without the store.
    let prepare: @Sendable (APICall) throws(APIError) -> Work
    /// Whether the work waits for other machines; it then runs on a thread of its own.
    var waitsForOthers = false
    /// Whether the work has no effects, so that it may be stopped and begun again.
    var isReading = false
  }

  private let pattern: [Substring]
  /// The pattern as it is written.
  package let name: String
  package private(set) var actions: [Action]

  /// - Parameter pattern: the parts of a path; those in braces match anything.
  package init(_ pattern: StaticString, _ actions: Action...) {
    name = "/api/0/" + pattern.description
    self.pattern = pattern.description.split(separator: "/")
    self.actions = actions
  }

  /// Joins routes with the same pattern into one with the methods of all.
  package static func joined(_ routes: [APIRoute]) -> [APIRoute] {
    routes.reduce(into: []) { joined, route in
      if let index = joined.firstIndex(where: { $0.name == route.name }) {
        joined[index].actions += route.actions
      } else {
        joined.append(route)
      }
    }
  }

  /// The `Allow` header.
  package var allowed: String {
    actions.map { $0.method == .get ? "GET, HEAD" : $0.method.name }.joined(separator: ", ")
  }

  /// The values of the placeholders; nil if the path does not match.
  package func names(in path: ArraySlice<Substring>) -> [Substring: String]? {
    guard path.count == pattern.count else { return nil }
    var names: [Substring: String] = [:]
    for (expected, part) in zip(pattern, path) {
      if expected.first == "{" {
        guard let name = percentDecoded(String(part), plusIsSpace: false) else { return nil }
        names[expected.dropFirst().dropLast()] = name
      } else if expected != part {
        return nil
      }
    }
    return names
  }
}

extension APIRoute.Action {
  /// A query, for tokens of any scope.
  package static func get(
    _ parameters: AcceptedNames,
    _ prepare: @escaping @Sendable (APICall) throws(APIError) -> APIRoute.Work
  ) -> APIRoute.Action {
    APIRoute.Action(
      method: .get, scope: .read, parameters: parameters, members: .only(), prepare: prepare,
      isReading: true)
  }

  /// A query with a body, for tokens of any scope.
  ///
  /// - Parameter members: the names in its body; it takes no parameters.
  package static func query(
    _ method: Method, _ members: AcceptedNames,
    _ prepare: @escaping @Sendable (APICall) throws(APIError) -> APIRoute.Work
  ) -> APIRoute.Action {
    APIRoute.Action(
      method: method, scope: .read, parameters: members.none, members: members,
      prepare: prepare, isReading: true)
  }

  /// A change, for tokens of scope `admin` unless another one suffices.
  ///
  /// - Parameter members: the names in its body; it takes no parameters.
  package static func change(
    _ method: Method, _ members: AcceptedNames, scope: TokenScope = .admin,
    waitsForOthers: Bool = false,
    _ prepare: @escaping @Sendable (APICall) throws(APIError) -> APIRoute.Work
  ) -> APIRoute.Action {
    APIRoute.Action(
      method: method, scope: scope, parameters: members.none, members: members,
      prepare: prepare, waitsForOthers: waitsForOthers)
  }
}
