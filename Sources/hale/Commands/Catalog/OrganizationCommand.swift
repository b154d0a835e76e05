import ArgumentParser
import ReleaseHealth
import Storage

struct OrganizationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "org",
    abstract: "Create and list organizations.",
    discussion: """
      Projects and API tokens belong to an organization. The first start \
      of the service creates 'default'; more are needed only to separate teams.

        hale org create acme
      """,
    subcommands: [Create.self, List.self])

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create an organization.",
      discussion: """
        A running service knows it at once. A missing data directory is created.

          hale org create acme --json
        """)

    @Argument(help: "The slug: lower-case letters, digits, '-' and '_', at most 50.")
    var slug: String

    @OptionGroup var json: JSONOptions
    @OptionGroup var data: DataOptions

    func run() throws {
      let slug = try Slug.checked(slug, naming: "The slug of an organization")
      let session = try CatalogSession(Settings(flags: data.given), createsDirectory: true)
      let id = try session.make(.createOrganization(slug: slug))
      let organization = Organization(
        id: OrganizationID(rawValue: id), slug: slug, created: session.now)
      try json.printResult(
        organization.members, [("id", "\(organization.id.rawValue)"), ("slug", organization.slug)])
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List all organizations.", discussion: "  hale org list --data /var/lib/hale")

    @OptionGroup var json: JSONOptions
    @OptionGroup var data: DataOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: data.given))
      let organizations = try session.catalog().organizations
        .sorted { $0.id.rawValue < $1.id.rawValue }
      try json.printEntries(
        organizations, ["ID", "SLUG", "CREATED"],
        row: { ["\($0.id.rawValue)", $0.slug, $0.created.readable] }, members: \.members)
    }
  }
}

extension Organization {
  fileprivate var members: JSONMembers {
    [("id", .integer(id.rawValue)), ("slug", .string(slug))]
  }
}
