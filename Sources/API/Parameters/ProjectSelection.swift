internal import Bytes
internal import ReleaseHealth
package import HTTP
package import Storage

/// A project that the body of a change names: a slug, or an id as text or number.
package struct ProjectName: Decodable {
  package let text: String

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    text = try (try? container.decode(String.self)) ?? String(container.decode(Int64.self))
  }
}

/// A list in the body of a change, of a length that is checked before its elements are read.
package struct ShortList<Element: Decodable>: Decodable {
  /// The maximum number of elements. A multiple of what a change can be about.
  package static var countMax: Int { 1000 }

  package let elements: [Element]

  package init(from decoder: any Decoder) throws {
    var container = try decoder.unkeyedContainer()
    if container.count ?? 0 > Self.countMax {
      let name = decoder.codingPath.last?.stringValue ?? ""
      throw APIError.badRequest("\"\(name)\" has more than \(Self.countMax) elements.")
    }
    var elements: [Element] = []
    while !container.isAtEnd { elements.append(try container.decode(Element.self)) }
    self.elements = elements
  }
}

extension [Project] {
  /// The project with this number or, where there is none, with this slug.
  package func first(named name: String) -> Project? {
    let id = Int64(name).flatMap { String($0) == name ? ProjectID(rawValue: $0) : nil }
    return id.flatMap { id in first { $0.id == id } } ?? first { $0.slug == name }
  }

  /// The projects that the parameter `project` selects; all without one.
  ///
  /// - Parameter canBeNone: whether an organization without projects gets an empty selection in
  ///   place of 400, which Sentry's sessions API answers.
  package func selected(
    by parameters: QueryParameters, canBeNone: Bool = true
  ) throws(APIError) -> [Project] {
    try selected(by: parameters, canBeNone: canBeNone) { name in
      // In Sentry's words first. The token may read all of its organization's projects.
      var error = APIError.forbidden
      error.detail += " " + NearNames.sentence("project", name, among: map(\.slug))
      return error
    }
  }

  /// The projects that the parameter `project` of a route of Hale's own selects. An unknown one is
  /// answered with the names that there are.
  package func named(by parameters: QueryParameters) throws(APIError) -> [Project] {
    try selected(by: parameters, canBeNone: true) { name in
      .badRequest(NearNames.sentence("project", name, among: map(\.slug)))
    }
  }

  private func selected(
    by parameters: QueryParameters, canBeNone: Bool, otherwise refusal: (String) -> APIError
  ) throws(APIError) -> [Project] {
    guard canBeNone || !isEmpty else { throw .badRequest("No projects available") }
    let names = parameters.all("project").filter { !$0.isEmpty }
    if names.isEmpty || names.contains("-1") { return self }
    var selected: [Project] = []
    var ids: Set<ProjectID> = []
    for name in names {
      guard let project = first(named: name) else { throw refusal(name) }
      if ids.insert(project.id).inserted { selected.append(project) }
    }
    return selected
  }
}
