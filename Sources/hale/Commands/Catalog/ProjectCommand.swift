import ArgumentParser
import ReleaseHealth
import Storage

struct ProjectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "project",
    abstract: "Create, set and list projects.",
    discussion: """
      A DSN belongs to a project, which usually stands for one application.

        hale project create shop --platform python
      """,
    subcommands: [Create.self, Set.self, List.self])

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a project with its first DSN.",
      discussion: """
        Prints the id, the slug and the DSN. A running service accepts sessions for it within two \
        seconds.

          hale project create shop --platform python

        To move released applications to Hale with the DSN that they were built with, point its \
        host name here and give the project its old id and public key:

          hale project create shop --id 4504 \\
            --public-key 8c2e5bd1f3a04c7a9d1e6f0b2a7c4d55
        """)

    @Argument(help: "The slug: lower-case letters, digits, '-' and '_', at most 50.")
    var slug: String

    @Option(name: .customLong("org"), help: .of("slug", "The slug of the project's organization."))
    var organization = "default"

    @OptionGroup var traits: SettingOptions

    @Option(help: .of("n", "The id of the project. The default is the next free one."))
    var id: Int64?

    @Option(help: .of("hex", "The public key: \(PublicKey.rule). The default is a random one."))
    var publicKey: String?

    @OptionGroup var json: JSONOptions
    @OptionGroup var data: DataOptions
    @OptionGroup var publicURL: PublicURLOptions

    func run() throws {
      let slug = try Slug.checked(slug, naming: "The slug of a project")
      let key = try checkedKey()
      if let id, id < 1 {
        throw CommandFailure.usage("--id is \(id), but it takes a number of at least 1.")
      }
      let settings = try traits.applied(to: ProjectSettings())
      let session = try CatalogSession(Settings(flags: data.given + publicURL.given))
      let catalog = try session.catalog()
      let project = ProjectID(
        rawValue: try session.make(
          .createProject(
            organization: try catalog.namedOrganization(organization).id, slug: slug,
            settings: settings, id: id.map { ProjectID(rawValue: $0) }, publicKey: key)))
      let dsn = DSN(server: session.server(catalog), publicKey: key, project: project).text
      let bad = settings.effectiveBad.rawValue
      try json.printResult(
        [
          ("id", .integer(project.rawValue)), ("slug", .string(slug)), ("dsn", .string(dsn)),
          ("publicKey", .string(key)), ("bad", .string(bad)),
        ], [("id", "\(project.rawValue)"), ("slug", slug), ("bad", bad), ("DSN", dsn)])
    }

    private func checkedKey() throws(CommandFailure) -> String {
      guard let publicKey else { return PublicKey.random() }
      guard let key = PublicKey.normalized(publicKey) else {
        throw .usage("--public-key is '\(publicKey)', but it takes \(PublicKey.rule).")
      }
      return key
    }
  }

  /// The settings of a project.
  struct SettingOptions: ParsableArguments {
    @Option(
      help: "The platform, for example python, javascript, apple-ios or android.")
    var platform: String?

    @Option(
      help: .of(
        "statuses",
        "What makes a session bad for gates, objectives and verdicts: \(BadStatuses.rule). The "
          + "default depends on the platform: crashed+unhandled for browsers, else crashed."))
    var bad: String?

    @OptionGroup var quotas: QuotaOptions

    var isGiven: Bool { platform != nil || bad != nil || quotas.isGiven }

    /// - Returns: the settings with what was given in place of theirs.
    func applied(to settings: ProjectSettings) throws(CommandFailure) -> ProjectSettings {
      var settings = settings
      settings.quotas = try quotas.applied(to: settings.quotas)
      if let platform {
        if let reason = PlatformName.refusal(of: platform) {
          throw .usage("--platform is '\(platform)'. \(reason)")
        }
        settings.platform = platform
      }
      if let bad {
        settings.bad = BadStatuses(name: bad)
        guard settings.bad != nil || bad == "default" else {
          throw .usage("--bad is '\(bad)', but it takes \(BadStatuses.rule), or default.")
        }
      }
      return settings
    }
  }

  struct Set: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Set the platform of a project, what makes its sessions bad, and its quotas.",
      discussion: """
        What is not given stays as it is. `--bad default` returns to the default of the platform. \
        A running service applies it at once, also to what was counted before: objectives follow \
        their project.

          hale project set shop --bad crashed+unhandled

        \(QuotaOptions.discussion)

          hale project set shop --sessions-per-day 1000000
        """)

    @Argument(help: "The project, by slug or id.")
    var project: String

    @OptionGroup var traits: SettingOptions
    @OptionGroup var options: CatalogOptions

    func run() throws {
      // The parser names a misspelt flag first.
      guard traits.isGiven else {
        throw ValidationError("Give --platform, --bad or a quota: there is nothing to set.")
      }
      // A wrong value is an error of usage, also where there is no database.
      _ = try traits.applied(to: ProjectSettings())
      let session = try CatalogSession(Settings(flags: options.data.given))
      var project = try session.catalog().project(project, organization: options.organization.slug)
      let known = project.settings
      project.settings = try traits.applied(to: known)
      try session.make(.setProject(project.id, project.settings, known: known))
      try options.json.printResult(
        [("id", .integer(project.id.rawValue)), ("slug", .string(project.slug))]
          + project.settingMembers,
        "\(project.slug): bad are sessions that are \(project.bad.words)\(project.badNote); "
          + "\(project.settings.quotas.sentence).")
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the projects of an organization.",
      discussion: """
        The DSN contains the oldest key that is not revoked.

          hale project list --org acme
        """)

    @OptionGroup var options: CatalogOptions
    @OptionGroup var publicURL: PublicURLOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: options.data.given + publicURL.given))
      let catalog = try session.catalog()
      let owner = try catalog.organization(options.organization.slug)
      let projects = catalog.projects.filter { $0.organization == owner.id }
        .sorted { $0.id < $1.id }
      let server = session.server(catalog)
      let entries = projects.map { project in
        let key = catalog.keys(of: project).first { $0.revoked == nil }?.publicKey
        let dsn = key.map { DSN(server: server, publicKey: $0, project: project.id).text }
        return (project, key, dsn)
      }
      try options.json.printEntries(entries, ["ID", "SLUG", "PLATFORM", "BAD", "DSN"]) {
        project, _, dsn in
        [
          "\(project.id.rawValue)", project.slug, project.platform ?? "-", project.bad.rawValue,
          dsn ?? "-",
        ]
      } members: { project, key, dsn in
        [
          ("id", .integer(project.id.rawValue)), ("slug", .string(project.slug)),
          ("dsn", .optional(dsn)), ("publicKey", .optional(key)),
        ] + project.settingMembers
      }
    }
  }
}

extension Project {
  fileprivate var settingMembers: JSONMembers {
    [
      ("platform", .optional(settings.platform)), ("bad", .string(bad.rawValue)),
      ("badIsDefault", .boolean(settings.bad == nil)),
    ] + settings.quotas.members
  }

  /// Where it is from, after the statuses.
  fileprivate var badNote: String {
    if settings.bad != nil { return "" }
    return settings.platform.map { ", the default of platform \($0)" } ?? ", the default"
  }
}
