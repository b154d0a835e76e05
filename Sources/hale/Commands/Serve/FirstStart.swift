import Access
import Alerting
import ReleaseHealth
import Storage

/// Creates the first organization, project and token, and prints what `serve` prints at its start.
struct FirstStart {
  let settings: Settings
  /// The address that the service listens on, with the port that the system chose.
  let address: ListenAddress
  let now: Timestamp

  /// Checks the alert rules file against what a first start creates, before anything is created:
  /// the token is shown only once, and a start that failed behind it would lose it.
  static func checkAlertRules(_ settings: Settings) throws {
    guard let path = settings.alertsFile else { return }
    let created = Timestamp(seconds: 0)
    let organization = Organization(
      id: OrganizationID(rawValue: 1), slug: "default", created: created)
    let project = Project(
      id: ProjectID(rawValue: 1), organization: organization.id, slug: settings.initialProject,
      settings: ProjectSettings(), created: created)
    let catalog = Catalog(
      version: 0, organizations: [organization], projects: [project], keys: [], tokens: [],
      userHashKey: [], publicURL: nil)
    do {
      try AlertFile.check(try readFile(path, bytesMax: 1 << 20), catalog: catalog)
    } catch let failure as AlertFile.Failure {
      throw CommandFailure.usage("The alert rules file \(path): \(failure)")
    }
  }

  /// Creates the objects of a first start if there is no organization, and prints the lines.
  ///
  /// Called once the service listens, because the token is shown only once and a start may fail,
  /// for example when the port is in use.
  func announce(_ store: any CatalogStore) throws {
    let server = settings.publicURL ?? WebAddress(listening: address.reachable)
    guard let catalog = try store.catalog(unlessVersion: nil) else { return }
    if catalog.publicURL != server.text { try store.setPublicURL(server.text) }
    var pairs = [("address", WebAddress(listening: address).text)]
    guard catalog.organizations.isEmpty else {
      try printPairs(pairs)
      if catalog.projects.isEmpty {
        printNotice(
          "There is no project yet: `hale project create NAME` creates one and prints its DSN, "
            + "`hale token create NAME` creates a token for the API.")
      }
      return
    }

    try Self.checkAlertRules(settings)
    let organization = try store.createOrganization(slug: "default", at: now)
    let key = settings.initialKey ?? PublicKey.random()
    let project = try store.createProject(
      organization: organization.id, slug: settings.initialProject, settings: ProjectSettings(),
      id: nil,
      publicKey: key, at: now)
    let token = settings.initialToken ?? NewSecret.token()
    _ = try store.createToken(
      organization: organization.id, name: "initial", scope: .admin,
      digest: TokenDigest.digest(token), at: now)
    pairs.append(("DSN", DSN(server: server, publicKey: key, project: project.id).text))
    // A token from the environment is known already, and standard output is often stored.
    if settings.initialToken == nil { pairs.append(("token", token)) }
    try printPairs(pairs)
    if server.host.contains(":") {
      printNotice(
        "Some SDKs cannot parse a DSN with an IPv6 address; set --public-url to a host name.")
    }
    try printLine(
      "Open the address in a browser for the dashboard, and sign in with the token. A first query:")
    let place = WebAddress(listening: address.reachable).text
    let shown = settings.initialToken == nil ? token : "$" + Setting.initialToken.variable
    try printLine(
      "curl -H \"Authorization: Bearer \(shown)\" "
        + "'\(place)/api/0/organizations/default/sessions/?field=sum(session)&statsPeriod=24h'")
  }
}
