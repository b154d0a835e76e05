import Ingest
import API
import Foundation
import HTTP
import Storage
import TestSupport
import Testing

@testable import Queries
@testable import Service

/// The document names each route of the program, and the program has each that it names.
@Suite struct APIDocumentTests {
  private func document() throws -> [String: Any] {
    let answer = try ServiceFixture().ask("/api/0/openapi.json", token: nil)
    #expect(answer.status == 200)
    return try object(answer.text)
  }

  /// `GET /api/0/projects`, and so on: the last slash does not matter.
  private func operations() throws -> Set<String> {
    let paths = try #require(try document()["paths"] as? [String: [String: Any]])
    return Set(
      paths.flatMap { path, methods in
        methods.keys.map {
          "\($0.uppercased()) /\(path.split(separator: "/").joined(separator: "/"))"
        }
      })
  }

  @Test func everyRouteIsInTheDocumentAndTheOtherWayRound() throws {
    var routes = Set(
      try ServiceFixture().dependencies.routes.flatMap { route in
        route.actions.map {
          "\($0.method.name) /\(route.name.split(separator: "/").joined(separator: "/"))"
        }
      })
    // What stands beside the API's own table, with the route that it leads to.
    let others: [(String, [String], Route)] = [
      ("/api/0/openapi.json", ["GET"], .document),
      ("/api/{project_id}/envelope", ["POST", "OPTIONS"], .ingest(.envelope, project: "1")),
      ("/api/{project_id}/store", ["GET", "POST", "OPTIONS"], .ingest(.store, project: "1")),
      ("/api/store", ["GET", "POST", "OPTIONS"], .ingest(.store, project: nil)),
      ("/healthz", ["GET"], .health), ("/readyz", ["GET"], .readiness),
      ("/metrics", ["GET"], .metrics),
    ]
    for (path, methods, route) in others {
      let concrete = path.replacing("{project_id}", with: "1")
      #expect(Route(Route.components(of: concrete, prefix: "")) == route)
      routes.formUnion(methods.map { "\($0) \(path)" })
    }
    let described = try operations()
    #expect(described.subtracting(routes).isEmpty)
    #expect(routes.subtracting(described).isEmpty)
  }

  /// Changes name the scope that the program asks for.
  @Test func scopesAreThoseOfTheRoutes() throws {
    let paths = try #require(try document()["paths"] as? [String: [String: [String: Any]]])
    for route in try ServiceFixture().dependencies.routes {
      let path = route.name.hasSuffix("/") ? route.name : route.name + "/"
      for action in route.actions {
        let operation = try #require(paths[path]?[action.method.name.lowercased()])
        let security =
          operation["security"] as? [[String: [String]]] ?? [
            ["token": []], ["cookie": []],
          ]
        let scopes = action.scope == .admin ? ["admin"] : []
        #expect(security == [["token": scopes], ["cookie": scopes]], "\(path)")
      }
    }
  }

  /// Parameters and members of bodies are those that the routes take.
  @Test func namesAreThoseOfTheRoutes() throws {
    let document = try document()
    let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
    let components = try #require(document["components"] as? [String: [String: [String: Any]]])
    func resolved(_ node: [String: Any]) -> [String: Any] {
      guard let parts = (node["$ref"] as? String)?.split(separator: "/") else { return node }
      return components[String(parts[2])]?[String(parts[3])] ?? [:]
    }
    func members(_ schema: [String: Any]) -> Set<String> {
      let schema = resolved(schema)
      let parts = ["allOf", "anyOf"].flatMap { schema[$0] as? [[String: Any]] ?? [] }
      let own = (schema["properties"] as? [String: Any] ?? [:]).keys
      return parts.reduce(Set(own)) { $0.union(members($1)) }
    }
    for route in try ServiceFixture().dependencies.routes {
      let path = route.name.hasSuffix("/") ? route.name : route.name + "/"
      for action in route.actions {
        let operation = try #require(paths[path]?[action.method.name.lowercased()])
        let parameters = (operation["parameters"] as? [[String: Any]] ?? []).map(resolved)
          .filter { $0["in"] as? String == "query" }.compactMap { $0["name"] as? String }
        let name = "\(action.method.name) \(path)"
        #expect(Set(parameters) == Set(action.parameters.names), "\(name)")
        let body = operation["requestBody"] as? [String: Any]
        let content = body?["content"] as? [String: [String: Any]]
        let schema = content?["application/json"]?["schema"] as? [String: Any] ?? [:]
        #expect(members(schema) == Set(action.members.names), "\(name)")
      }
    }
  }

  /// So does the page about the API, where `…` repeats what stands before it.
  @Test func thePageNamesEveryRoute() throws {
    let root = #filePath.components(separatedBy: "/Tests/")[0]
    let text = try String(contentsOfFile: root + "/docs/api.md", encoding: .utf8)
    var named: Set<String> = ["/api/0"]
    var previous = ""
    for match in text.matches(of: /`(?:POST |GET )?((?:\/|…\/|organizations\/|projects\/)[^` ]*)`/)
    {
      var path = String(match.1)
      if path.hasPrefix("…/") { path = previous + path.dropFirst(2) }
      previous = path
      let absolute = path.hasPrefix("/") ? path : "/api/0/" + path
      named.insert(absolute.hasSuffix("/") ? String(absolute.dropLast()) : absolute)
    }
    if text.contains("`openapi.json`") { named.insert("/api/0/openapi.json") }
    let described = Set(try operations().map { String($0.drop { $0 != "/" }) })
    #expect(described.subtracting(named).isEmpty)
  }

  /// Values that the code knows stand in the document as it knows them.
  @Test func choicesAreThoseOfTheCode() throws {
    let document = try document()
    let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
    func choices(_ path: String, _ name: String) throws -> [String] {
      let parameters = try #require(paths[path]?["get"]?["parameters"] as? [[String: Any]])
      let parameter = try #require(parameters.first { $0["name"] as? String == name })
      let schema = try #require(parameter["schema"] as? [String: Any])
      let items = schema["items"] as? [String: Any]
      let choices = try #require((items ?? schema)["enum"] as? [String])
      // An empty value is as good as none.
      return choices.filter { !$0.isEmpty }
    }
    let organization = "/api/0/organizations/{organization}/"
    #expect(
      try choices(organization + "sessions/", "field") == SessionsField.allCases.map(\.rawValue))
    #expect(
      try choices(organization + "releases/", "sort") == ReleaseSort.allCases.map(\.rawValue))
    #expect(
      try choices(organization + "releases/", "healthStatsPeriod")
        == HealthPeriod.allCases.map(\.rawValue))
  }

  @Test func itIsForEverybodyAndCanBeKept() throws {
    let response = try ServiceFixture().send(.get, "/api/0/openapi.json/", headers: [:])
    #expect(response.status == 200)
    #expect(response.headers["Content-Type"] == "application/json")
    #expect(response.headers["Cache-Control"] == "public, max-age=3600")
    #expect(response.headers["Access-Control-Allow-Origin"] == "*")
    #expect(try ServiceFixture().send(.post, "/api/0/openapi.json", headers: [:]).status == 405)
  }
}
