import Access
import Demo
import ReleaseHealth
import Storage

/// Makes the projects of the demo, and in an empty directory what they belong to.
struct DemoCatalog {
  private let command: DemoCommand
  private let settings: Settings
  private let session: CatalogSession

  init(_ command: DemoCommand, _ settings: Settings) throws {
    self.command = command
    self.settings = settings
    session = try CatalogSession(settings)
  }

  /// - Throws: where a history would be mixed with what a project has already.
  func projects(at now: Timestamp) throws -> [DemoProject] {
    let owner = try owner(at: now)
    let catalog = try session.catalog()
    let apps = DemoApp.all(company: command.name)
    let slugs = apps.map { "\(command.name)-\($0.name)" }
    let known = catalog.projects.filter { $0.organization == owner.id && slugs.contains($0.slug) }
    if command.days > 0, let taken = known.first {
      throw CommandFailure.failed(
        "There is a project '\(taken.slug)' already. Choose another name, as in `hale demo --name "
          + "\(command.name)2`, or go on with this one: `hale demo --days 0 --live`.")
    }
    return try zip(apps, slugs).enumerated().map { index, each in
      let (app, slug) = each
      var key = PublicKey.random()
      let project: Project
      if let there = known.first(where: { $0.slug == slug }) {
        project = there
        key = catalog.keys(of: there).first { $0.revoked == nil }?.publicKey ?? key
      } else {
        project = try session.store.createProject(
          organization: owner.id, slug: slug, platform: app.platform, id: nil, publicKey: key,
          at: now)
        if index == 0 { try watch(project, at: now) }
      }
      let dsn = DSN(server: session.server(catalog), publicKey: key, project: project.id)
      return DemoProject(id: project.id, slug: slug, dsn: dsn.text, apps: [index])
    }
  }

  /// An objective, most of whose budget the bad release uses up, and an alert rule.
  private func watch(_ project: Project, at now: Timestamp) throws {
    if let target = Objective.Target(percent: "99") {
      try session.store.setObjective(Objective(target: target), of: project.id, at: now)
    }
    let rule = AlertRule(
      measure: .sessionCrashFree, projects: [project.id], environment: "production",
      releases: .latest, windowMinutes: 360, critical: 97, warning: 99, sessionsMin: 50)
    _ = try session.store.saveAlertRule(
      AlertRuleDraft(name: "Newest release of \(project.slug)", rule: rule), id: nil,
      of: project.organization, at: now, telling: { _, _ in nil })
  }

  /// In an empty directory, the organization and the token that a first start of the service makes:
  /// later it would find something there and print none.
  private func owner(at now: Timestamp) throws -> Organization {
    let catalog = try session.catalog()
    if !catalog.organizations.isEmpty {
      return try catalog.organization(command.organization.slug)
    }
    let slug = command.organization.slug ?? "default"
    let owner = try session.store.createOrganization(slug: slug, at: now)
    let token = settings.initialToken ?? BearerToken.random()
    _ = try session.store.createToken(
      organization: owner.id, name: "initial", scope: .admin, digest: TokenDigest.digest(token),
      at: now)
    guard settings.initialToken == nil else { return owner }
    // Standard output is for the lines of JSON alone.
    if command.json.isJSON {
      printNotice("token  \(token)")
    } else {
      try printPairs([("token", token)])
      try printLine("Keep it now: it is stored as a hash, and not shown again.")
    }
    return owner
  }
}
