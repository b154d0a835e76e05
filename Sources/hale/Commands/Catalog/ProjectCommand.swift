import ArgumentParser
import ReleaseHealth
import Storage

struct ProjectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "project",
    abstract: "Create and list projects.",
    discussion: """
      A project is what a DSN leads to: as a rule one application.

        hale project create shop --platform python
      """,
    subcommands: [Create.self, List.self])

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a project with its first DSN.",
      discussion: """
        Prints the id, the slug and the DSN. A running service takes sessions for it within two \
        seconds.

          hale project create shop --platform python

        Applications in the field keep the DSN that they were built with, when their project gets \
        the number and the public key that it had before and the host name is moved here:

          hale project create shop --id 4504 \\
            --public-key 8c2e5bd1f3a04c7a9d1e6f0b2a7c4d55
        """)

    @Argument(help: "The slug: lower-case letters, digits, '-' and '_', at most 50.")
    var slug: String

    @Option(
      name: .customLong("org"),
      help: ArgumentHelp("The organization that gets the project, by slug.", valueName: "slug"))
    var organization = "default"

    @Option(
      help: "The platform, for example python, javascript, apple-ios or android.")
    var platform: String?

    @Option(help: ArgumentHelp("The number to give; the next free one otherwise.", valueName: "n"))
    var id: Int64?

    @Option(
      help: ArgumentHelp(
        "The public key to give: \(PublicKey.rule); a random one otherwise.", valueName: "hex"))
    var publicKey: String?

    @OptionGroup var json: JSONOptions
    @OptionGroup var data: DataOptions
    @OptionGroup var publicURL: PublicURLOptions

    func run() throws {
      let slug = try Slug.checked(slug, naming: "The slug of a project")
      let key = try checkedKey()
      if let id, id < 1 {
        throw CommandFailure.usage("--id is \(id), but it takes a number from 1.")
      }
      if let platform, !PlatformName.isValid(platform) {
        throw CommandFailure.usage(
          "--platform is '\(platform)', but it takes \(PlatformName.rule).")
      }
      let session = try CatalogSession(Settings(flags: data.given + publicURL.given))
      let catalog = try session.catalog()
      let project = ProjectID(
        rawValue: try session.make(
          .createProject(
            organization: try catalog.namedOrganization(organization).id, slug: slug,
            platform: platform, id: id.map { ProjectID(rawValue: $0) }, publicKey: key)))
      let dsn = DSN(server: session.server(catalog), publicKey: key, project: project).text
      if json.isJSON {
        try printLine(
          jsonLine([
            ("id", .integer(project.rawValue)), ("slug", .string(slug)),
            ("dsn", .string(dsn)), ("publicKey", .string(key)),
          ]))
      } else {
        try printPairs([
          ("id", "\(project.rawValue)"), ("slug", slug), ("DSN", dsn),
        ])
      }
    }

    private func checkedKey() throws(CommandFailure) -> String {
      guard let publicKey else { return PublicKey.random() }
      guard let key = PublicKey.normalized(publicKey) else {
        throw .usage("--public-key is '\(publicKey)', but it takes \(PublicKey.rule).")
      }
      return key
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the projects of an organization.",
      discussion: """
        The DSN is that of the oldest key that was not revoked.

          hale project list --org acme
        """)

    @OptionGroup var organization: OrganizationOptions
    @OptionGroup var json: JSONOptions
    @OptionGroup var data: DataOptions
    @OptionGroup var publicURL: PublicURLOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: data.given + publicURL.given))
      let catalog = try session.catalog()
      let owner = try catalog.organization(organization.slug)
      let projects = catalog.projects.filter { $0.organization == owner.id }
        .sorted { $0.id < $1.id }
      var rows: [[String]] = []
      for project in projects {
        let key = catalog.keys(of: project).first { $0.revoked == nil }?.publicKey
        let dsn = key.map {
          DSN(server: session.server(catalog), publicKey: $0, project: project.id).text
        }
        if json.isJSON {
          try printLine(
            jsonLine([
              ("id", .integer(project.id.rawValue)), ("slug", .string(project.slug)),
              ("dsn", .optional(dsn)), ("publicKey", .optional(key)),
              ("platform", .optional(project.platform)),
            ]))
        } else {
          rows.append([
            "\(project.id.rawValue)", project.slug, project.platform ?? "-", dsn ?? "-",
          ])
        }
      }
      if !json.isJSON { try printColumns(["ID", "SLUG", "PLATFORM", "DSN"], rows) }
    }
  }
}
