internal import ReleaseHealth
package import HTTP
package import Storage

extension [Project] {
  /// The project with this number or, where there is none, with this slug.
  package func first(named name: String) -> Project? {
    first { String($0.id.rawValue) == name } ?? first { $0.slug == name }
  }

  /// The projects that the parameter `project` selects; all without one.
  ///
  /// - Parameter canBeNone: whether an organization without projects gets an empty selection in
  ///   place of 400, which Sentry's sessions API answers.
  package func selected(
    by parameters: QueryParameters, canBeNone: Bool = true
  ) throws(APIError) -> [Project] {
    guard canBeNone || !isEmpty else { throw .badRequest("No projects available") }
    let names = parameters.all("project").filter { !$0.isEmpty }
    if names.isEmpty || names.contains("-1") { return self }
    var selected: [Project] = []
    for name in names {
      guard let project = first(named: name) else { throw .forbidden }
      if !selected.contains(project) { selected.append(project) }
    }
    return selected
  }
}
