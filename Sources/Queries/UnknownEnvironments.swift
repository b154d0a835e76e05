internal import API
internal import Bytes
internal import HTTP
internal import ReleaseHealth
internal import Storage

/// The environments of a request that neither a session nor a deploy of its projects has: they
/// select nothing, and zeros would look like an answer.
struct UnknownEnvironments {
  private let unknown: [String]
  /// The names that there are.
  private let known: [String]

  /// - Parameter isNothingFound: whether the answer is empty; an answer to one environment that is
  ///   not needs no look at the names. Before the first session every environment is to come.
  /// - Returns: nil where all are known.
  init?(
    _ selection: EnvironmentSelection, of projects: Set<ProjectID>,
    _ organization: OrganizationID, isNothingFound: Bool, _ store: any ReleaseReading
  ) throws(StoreError) {
    if selection.isAll || (selection.isSingle && !isNothingFound) { return nil }
    let names = KnownNames(of: organization, projects, store)
    unknown = try names.unknown(of: selection)
    if unknown.isEmpty { return nil }
    if try names.haveNoSessions() { return nil }
    known = try names.environments()
  }

  /// The answer of a route of Hale's own.
  var refusal: Response {
    let sentences = unknown.map { NearNames.sentence("environment", $0, among: known) }
    return Response(.badRequest(sentences.joined(separator: " ")))
  }

  /// The response header of a route of Sentry's, whose clients are to get their answer:
  /// `environment=prod; near="production"`, percent-encoded.
  fileprivate var header: String {
    unknown.map { name in
      let near = NearNames.near(name, among: known).map(percentEncoded)
      return "environment=\(percentEncoded(name))"
        + (near.isEmpty ? "" : "; near=\"\(near.joined(separator: " "))\"")
    }
    .joined(separator: ", ")
  }
}

extension Response {
  /// The response with what the request names and nothing has.
  func naming(_ unknown: UnknownEnvironments?) -> Response {
    unknown.map { adding(["Hale-Unknown": $0.header]) } ?? self
  }
}
