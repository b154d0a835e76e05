internal import API
internal import Bytes
internal import HTTP
internal import ReleaseHealth
internal import Storage

/// The environments of a request that neither a session nor a deploy of its projects has: they
/// select nothing, and zeros would look like an answer.
struct UnknownEnvironments {
  private let known: KnownNames
  private let selection: EnvironmentSelection

  /// - Parameter isNothingFound: whether the answer is empty; an answer to one environment that is
  ///   not needs no look at the names. Before the first session every environment is to come.
  /// - Returns: nil where all are known.
  init?(
    _ selection: EnvironmentSelection, of projects: Set<ProjectID>,
    _ organization: OrganizationID, isNothingFound: Bool, _ store: any ReleaseReading
  ) throws(StoreError) {
    if selection.isAll || (selection.isSingle && !isNothingFound) { return nil }
    known = KnownNames(records: [], uses: try store.uses(of: organization)).of(projects)
    self.selection = selection
    if known.hasNoSessions || known.unknown(of: selection).isEmpty { return nil }
  }

  /// The answer of a route of Hale's own.
  var refusal: Response { Response(.badRequest(known.refusal(of: selection) ?? "")) }

  /// The response header of a route of Sentry's, whose clients are to get their answer:
  /// `environment=prod; near="production"`, percent-encoded.
  fileprivate var header: String {
    let environments = known.environments
    return known.unknown(of: selection).map { name in
      let near = NearNames.near(name, among: environments).map(percentEncoded)
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
