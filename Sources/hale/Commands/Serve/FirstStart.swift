import Access
import ReleaseHealth
import Storage

/// What `serve` prints once it listens, and what it creates in an empty directory.
struct FirstStart {
  let settings: Settings
  /// What the service listens on, with the port that the system gave.
  let address: ListenAddress
  let now: Timestamp

  /// Creates what a first start creates, and prints the lines.
  ///
  /// It is done when the service listens and not before: a first start that finds its port taken
  /// would use up the only time that the token is shown.
  func announce(_ store: any CatalogStore) throws {
    let server = settings.publicURL ?? WebAddress(listening: address.reachable)
    guard let catalog = try store.catalog(unlessVersion: nil) else { return }
    if catalog.publicURL != server.text { try store.setPublicURL(server.text) }
    var pairs = [("address", WebAddress(listening: address).text)]
    guard catalog.organizations.isEmpty else {
      try printPairs(pairs)
      if catalog.projects.isEmpty {
        printNotice(
          "There is no project yet: `hale project create NAME` makes one and prints its DSN, "
            + "`hale token create NAME` a token to ask with.")
      }
      return
    }

    let organization = try store.createOrganization(slug: "default", at: now)
    let key = settings.initialKey ?? PublicKey.random()
    let project = try store.createProject(
      organization: organization.id, slug: settings.initialProject, platform: nil, id: nil,
      publicKey: key, at: now)
    let token = settings.initialToken ?? BearerToken.random()
    _ = try store.createToken(
      organization: organization.id, name: "initial", scope: .admin,
      digest: TokenDigest.digest(token),
      at: now)
    pairs.append(("DSN", DSN(server: server, publicKey: key, project: project.id).text))
    // A token that came with the environment is known to who set it, and standard output is
    // often kept.
    if settings.initialToken == nil { pairs.append(("token", token)) }
    try printPairs(pairs)
    if server.host.contains(":") {
      printNotice(
        "Some SDKs cannot read a DSN with an IPv6 address; name the service by --public-url.")
    }
    try printLine("The dashboard is at the address, and asks for the token.")
    try printLine(question(token: settings.initialToken == nil ? token : nil))
  }

  /// A line that asks the service for something when it is pasted into a shell.
  ///
  /// - Parameter token: nil where it is not to be shown; the shell's own variable stands for it.
  private func question(token: String?) -> String {
    let place = WebAddress(listening: address.reachable).text
    let shown = token ?? "$" + Setting.initialToken.variable
    return "curl -H \"Authorization: Bearer \(shown)\" "
      + "'\(place)/api/0/organizations/default/sessions/?field=sum(session)&statsPeriod=24h'"
  }
}
