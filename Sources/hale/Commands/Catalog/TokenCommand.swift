import Access
import ArgumentParser
import Storage

struct TokenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token",
    abstract: "Create, list and revoke API tokens.",
    discussion: """
      A token is the bearer token with which dashboards and scripts ask an organization's API. \
      Hale keeps only a hash of it.

        hale token create dashboard
      """,
    subcommands: [Create.self, List.self, Revoke.self])

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a token and print it, once.",
      discussion: """
        A running service takes it within two seconds.

          hale token create deploy --scope admin
        """)

    @Argument(help: "A name by which to revoke it, for example dashboard.")
    var name: String

    @OptionGroup var organization: OrganizationOptions

    @Option(
      help: ArgumentHelp("What it may do: read, or admin for changes too.", valueName: "scope"),
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
      let token = BearerToken.random()
      _ = try session.store.createToken(
        organization: owner.id, name: name, scope: scope, digest: TokenDigest.digest(token),
        at: session.now)
      if json.isJSON {
        try printLine(jsonLine([("token", .string(token))]))
      } else {
        try printPairs([("token", token)])
        try printLine("Keep it now: it is stored as a hash, and not shown again.")
      }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the tokens of an organization, the revoked ones too.",
      discussion: "  hale token list --org acme")

    @OptionGroup var organization: OrganizationOptions
    @OptionGroup var json: JSONOptions
    @OptionGroup var data: DataOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: data.given))
      let catalog = try session.catalog()
      let owner = try catalog.organization(organization.slug)
      let tokens = catalog.tokens.filter { $0.organization == owner.id }.sorted { $0.id < $1.id }
      if json.isJSON {
        for token in tokens {
          try printLine(
            jsonLine([
              ("name", .string(token.name)), ("scope", .string(token.scope.rawValue)),
              ("created", .string(token.created.rfc3339)),
              ("revoked", .optional(token.revoked?.rfc3339)),
            ]))
        }
      } else {
        try printColumns(
          ["NAME", "SCOPE", "CREATED", "REVOKED"],
          tokens.map {
            [$0.name, $0.scope.rawValue, $0.created.readable, $0.revoked?.readable ?? "-"]
          })
      }
    }
  }

  struct Revoke: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Revoke a token: requests with it are refused from now on.",
      discussion: """
        It cannot be undone. The API refuses to revoke an organization's last token of scope admin; \
        this command does it.

          hale token revoke dashboard
        """)

    @Argument(help: "The name that the token was created with.")
    var name: String

    @OptionGroup var organization: OrganizationOptions
    @OptionGroup var json: JSONOptions
    @OptionGroup var data: DataOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: data.given))
      let owner = try session.catalog().organization(organization.slug)
      try session.store.revokeToken(
        organization: owner.id, name: name, keepsAdmin: false, at: session.now)
      if json.isJSON {
        try printLine(
          jsonLine([("name", .string(name)), ("revoked", .string(session.now.rfc3339))]))
      } else {
        try printLine("The token '\(name)' is revoked.")
      }
    }
  }
}
