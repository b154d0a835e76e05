internal import API
internal import Bytes
internal import ReleaseHealth
internal import Storage

/// A deploy as a release tool reports it, read and checked with the limits and words of Sentry.
struct DeployRequest {
  /// The members that are invalid.
  private(set) var errors = FieldErrors()
  private var environment = ""
  private var name: String?
  private var url: String?
  private var started: Timestamp?
  private var finished: Timestamp
  /// The projects that are named; nil for all of the release.
  private let projects: [String]?

  /// The members of the body.
  static let names = ["environment", "name", "url", "dateStarted", "dateFinished", "projects"]
  /// The maximum length of a name and of an environment, in characters.
  private static let lengthMax = 64
  /// The maximum length of a URL, in characters: more than browsers and proxies take everywhere.
  private static let urlLengthMax = 2048

  private struct Body: Decodable {
    var environment: String?
    var name: String?
    var url: String?
    var dateStarted: String?
    var dateFinished: String?
    var projects: ShortList<ProjectName>?
  }

  /// Clients send null for what they do not know.
  init(_ call: APICall) throws(APIError) {
    let body = try call.json(Body.self)
    finished = call.now
    projects = body.projects?.elements.map(\.text)
    if projects?.isEmpty == true { errors.add("projects", "This list may not be empty.") }
    readEnvironment(body.environment)
    name = text("name", body.name, max: Self.lengthMax)
    readURL(body.url)
    started = date("dateStarted", body.dateStarted)
    finished = date("dateFinished", body.dateFinished) ?? call.now
    if let started, body.dateFinished != nil, errors.isEmpty, finished < started {
      errors.add("dateFinished", "dateFinished is before dateStarted.")
    }
  }

  private mutating func readEnvironment(_ given: String?) {
    guard let given else { return errors.add("environment", "This field is required.") }
    guard let text = text("environment", given, max: Self.lengthMax) else { return }
    if text.isEmpty { return errors.add("environment", "This field may not be blank.") }
    if text.utf8.contains(where: { "/\n\r\u{c}".utf8.contains($0) }) {
      return errors.add("environment", "Invalid value for environment")
    }
    // Sentry takes some that sessions never have.
    if !Normalization.isValidEnvironment(text) {
      return errors.add(
        "environment", "Invalid value for environment. \(Normalization.environmentRule)")
    }
    environment = text
  }

  private mutating func readURL(_ given: String?) {
    url = text("url", given, max: Self.urlLengthMax)
    guard let url, !url.isEmpty else { return }
    let parts = url.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f } ? URLParts(url) : nil
    let schemes = ["http", "https", "ftp", "ftps"]
    if let parts, schemes.contains(parts.scheme.lowercased()), !parts.host.isEmpty { return }
    errors.add("url", "Enter a valid URL.")
  }

  /// A text without white space at its ends; nil where it is invalid or not given.
  private mutating func text(_ field: String, _ given: String?, max: Int) -> String? {
    guard let given else { return nil }
    if given.utf8.contains(0) {
      errors.add(field, "Null characters are not allowed.")
      return nil
    }
    let head = given.drop(while: \.isWhitespace)
    let text = head.prefix(head.reversed().drop(while: \.isWhitespace).count)
    if text.unicodeScalars.count > max {
      errors.add(field, "Ensure this field has no more than \(max) characters.")
      return nil
    }
    return String(text)
  }

  private mutating func date(_ field: String, _ given: String?) -> Timestamp? {
    guard let given else { return nil }
    if let date = RFC3339.parseShort(given) { return date }
    errors.add(
      field,
      "Datetime has wrong format. Use one of these formats instead: "
        + "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].")
    return nil
  }

  /// The reason why a release cannot have the deploy: the projects that are none of its own.
  func refusal(of version: String, _ own: [Project]) -> APIError? {
    let others = (projects ?? []).filter { own.first(named: $0) == nil }
    guard let first = others.first else { return nil }
    return .unknown(
      "Invalid projects (\(others.joined(separator: ", "))) for release \(version)", first,
      among: own.map(\.slug))
  }

  /// - Parameter own: the projects of the release.
  func deploy(of own: [Project]) -> Deploy {
    let named = projects.map { Set($0.compactMap { own.first(named: $0)?.id }) }
    var deploy = Deploy(
      projects: (named ?? Set(own.map(\.id))).sorted(), environment: environment,
      finished: finished)
    deploy.name = name
    deploy.url = url
    deploy.started = started
    return deploy
  }
}
