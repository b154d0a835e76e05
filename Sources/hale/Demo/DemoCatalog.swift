import Access
import Demo
import ReleaseHealth
import Storage

/// Creates the demo's projects and, in an empty directory, their organization and a token.
struct DemoCatalog {
  private let command: DemoCommand
  private let settings: Settings
  private let session: CatalogSession

  init(_ command: DemoCommand, _ settings: Settings) throws {
    self.command = command
    self.settings = settings
    session = try CatalogSession(settings)
  }

  /// - Throws: where a project exists already, so that two histories would mix.
  func projects(at now: Timestamp) throws -> [DemoProject] {
    let owner = try owner(at: now)
    let catalog = try session.catalog()
    let apps = DemoApp.all(company: command.name)
    let slugs = apps.map { "\(command.name)-\($0.name)" }
    let known = catalog.projects.filter { $0.organization == owner.id && slugs.contains($0.slug) }
    if command.days > 0, let taken = known.first {
      throw CommandFailure.failed(
        "There is a project '\(taken.slug)' already. Choose another name, as in `hale demo --name "
          + "\(command.name)2`, or continue with this one: `hale demo --days 0 --live`.")
    }
    return try zip(apps, slugs).enumerated().map { index, each in
      let (app, slug) = each
      var key = PublicKey.random()
      let project: Project
      if let there = known.first(where: { $0.slug == slug }) {
        project = there
        key = catalog.keys(of: there).first { $0.revoked == nil }?.publicKey ?? key
      } else {
        let id = try session.make(
          .createProject(
            organization: owner.id, slug: slug,
            settings: ProjectSettings(platform: app.platform), id: nil, publicKey: key))
        project = Project(
          id: ProjectID(rawValue: id), organization: owner.id, slug: slug,
          settings: ProjectSettings(platform: app.platform), created: now)
        if index == 0 { try watch(project, at: now) }
      }
      let dsn = DSN(server: session.server(catalog), publicKey: key, project: project.id)
      return DemoProject(id: project.id, slug: slug, dsn: dsn.text, apps: [index])
    }
  }

  /// Adds an alert rule and an objective, most of whose budget the bad release uses.
  private func watch(_ project: Project, at now: Timestamp) throws {
    if let target = Objective.Target(percent: "99") {
      try session.make(
        .setObjective(Objective(target: target), known: Objective(), project: project.id))
    }
    let rule = AlertRule(
      measure: .sessionCrashFree, projects: [project.id], environment: "production",
      releases: .latest, windowMinutes: 360, critical: 97, warning: 99, sessionsMin: 50)
    try session.make(
      .createAlertRule(
        organization: project.organization,
        AlertRuleDraft(name: "Newest release of \(project.slug)", rule: rule)))
  }

  /// The organization of the projects.
  ///
  /// An empty directory gets the organization and the token of a first start here, because the
  /// service creates them only in an empty directory.
  private func owner(at now: Timestamp) throws -> Organization {
    let catalog = try session.catalog()
    if !catalog.organizations.isEmpty {
      return try catalog.organization(command.organization.slug)
    }
    let slug = command.organization.slug ?? "default"
    let owner = Organization(
      id: OrganizationID(rawValue: try session.make(.createOrganization(slug: slug))), slug: slug,
      created: now)
    let token = settings.initialToken ?? NewSecret.token()
    try session.make(
      .createToken(
        organization: owner.id, name: "initial", scope: .admin, digest: TokenDigest.digest(token)))
    guard settings.initialToken == nil else { return owner }
    // Standard output has only lines of JSON.
    if command.json.isJSON {
      printNotice("token  \(token)")
    } else {
      try printPairs([("token", token)])
      try printLine("Store the token now: it is not shown again.")
    }
    return owner
  }
}
