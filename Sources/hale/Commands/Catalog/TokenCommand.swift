import Access
import ArgumentParser
import Storage

struct TokenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token",
    abstract: "Create, list and revoke API tokens.",
    discussion: """
      The dashboard and scripts authenticate to an organization's API with a bearer token. Hale \
      stores only its hash.

        hale token create dashboard
      """,
    subcommands: [Create.self, List.self, Revoke.self])

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a token and print it once.",
      discussion: """
        A running service accepts it at once.

          hale token create deploy --scope admin
        """)

    @Argument(help: "A name for the token, for example dashboard.")
    var name: String

    @OptionGroup var organization: OrganizationOptions

    @Option(
      help: .of("scope", "The scope: read, or admin to allow changes."),
      completion: .list(TokenScope.allCases.map(\.rawValue)))
    var scope = TokenScope.read.rawValue

    @OptionGroup var json: JSONOptions
    @OptionGroup var data: DataOptions

    func run() throws {
      let scopes = TokenScope.allCases.map(\.rawValue).joined(separator: " or ")
      guard let scope = TokenScope(rawValue: scope) else {
        throw CommandFailure.usage("--scope is '\(scope)', but it takes \(scopes).")
      }
      guard TokenName.isValid(name) else {
        throw CommandFailure.usage(
          "The name of a token is '\(name)', but it takes \(TokenName.rule).")
      }
      let session = try CatalogSession(Settings(flags: data.given))
      let owner = try session.catalog().organization(organization.slug)
      let token = NewSecret.token()
      try session.make(
        .createToken(
          organization: owner.id, name: name, scope: scope, digest: TokenDigest.digest(token)))
      try json.printResult(
        [("token", .string(token))], [("token", token)],
        note: "Store the token now: it is not shown again.")
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the tokens of an organization, including revoked ones.",
      discussion: "  hale token list --org acme")

    @OptionGroup var options: CatalogOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: options.data.given))
      let catalog = try session.catalog()
      let owner = try catalog.organization(options.organization.slug)
      let tokens = catalog.tokens.filter { $0.organization == owner.id }.sorted { $0.id < $1.id }
      try options.json.printEntries(tokens, ["NAME", "SCOPE", "CREATED", "REVOKED"]) {
        [$0.name, $0.scope.rawValue, $0.created.readable, $0.revoked?.readable ?? "-"]
      } members: {
        [
          ("name", .string($0.name)), ("scope", .string($0.scope.rawValue)),
          ("created", .string($0.created.rfc3339)), ("revoked", .optional($0.revoked?.rfc3339)),
        ]
      }
    }
  }

  struct Revoke: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Revoke a token: Hale rejects requests with it from then on.",
      discussion: """
        This cannot be undone. The API refuses to revoke an organization's last admin token; this \
        command does not.

          hale token revoke dashboard
        """)

    @Argument(help: "The name of the token.")
    var name: String

    @OptionGroup var options: CatalogOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: options.data.given))
      let owner = try session.catalog().organization(options.organization.slug)
      try session.make(.revokeToken(organization: owner.id, name: name))
      try options.json.printResult(
        [("name", .string(name)), ("revoked", .string(session.now.rfc3339))],
        "The token '\(name)' is revoked.")
    }
  }
}
