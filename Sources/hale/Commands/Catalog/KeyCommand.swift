import ArgumentParser
import ReleaseHealth
import Storage

struct KeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "Create, set, list and revoke DSN public keys.",
    discussion: """
      SDKs identify their project by a public key, which only allows sending. A project can have \
      several keys, for example one for each customer's build.

        hale key create shop
      """,
    subcommands: [Create.self, Set.self, List.self, Revoke.self])

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create another key of a project.",
      discussion: """
        Prints the DSN with the new key. Existing keys stay valid.

          hale key create shop
        """)

    @Argument(help: "The project, by slug or id.")
    var project: String

    @OptionGroup var options: CatalogOptions
    @OptionGroup var publicURL: PublicURLOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: options.data.given + publicURL.given))
      let catalog = try session.catalog()
      let project = try catalog.project(project, organization: options.organization.slug)
      let key = PublicKey.random()
      try session.make(.createKey(project: project.id, publicKey: key))
      let dsn = DSN(server: session.server(catalog), publicKey: key, project: project.id).text
      try options.json.printResult(
        [("publicKey", .string(key)), ("dsn", .string(dsn))], [("key", key), ("DSN", dsn)])
    }
  }

  struct Set: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Set the quotas of a key, which hold beside those of its project.",
      discussion: """
        What is not given stays as it is. A running service applies it at once.

        \(QuotaOptions.discussion)

          hale key set 8c2e5bd1f3a04c7a9d1e6f0b2a7c4d55 --sessions-per-minute 5000
        """)

    @Argument(help: "The key: \(PublicKey.rule).")
    var publicKey: String

    @OptionGroup var quotas: QuotaOptions
    @OptionGroup var json: JSONOptions
    @OptionGroup var data: DataOptions

    func run() throws {
      // The parser names a misspelt flag first.
      guard quotas.isGiven else {
        throw ValidationError("Give a quota: there is nothing to set.")
      }
      let name = try PublicKey.checked(publicKey)
      // A wrong value is an error of usage, also where there is no database.
      _ = try quotas.applied(to: Quotas())
      let session = try CatalogSession(Settings(flags: data.given))
      guard let key = try session.catalog().keys.first(where: { $0.publicKey == name }) else {
        throw StoreError.notFound(.key(name))
      }
      let changed = try quotas.applied(to: key.quotas)
      try session.make(.setKeyQuotas(publicKey: name, changed, known: key.quotas))
      try json.printResult(
        [("publicKey", .string(name))] + changed.members, "The key \(name): \(changed.sentence).")
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the keys of a project, including revoked ones.",
      discussion: "  hale key list shop")

    @Argument(help: "The project, by slug or id.")
    var project: String

    @OptionGroup var options: CatalogOptions
    @OptionGroup var publicURL: PublicURLOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: options.data.given + publicURL.given))
      let catalog = try session.catalog()
      let project = try catalog.project(project, organization: options.organization.slug)
      let server = session.server(catalog)
      let keys = catalog.keys(of: project).map { key in
        (key, dsn: DSN(server: server, publicKey: key.publicKey, project: project.id).text)
      }
      try options.json.printEntries(keys, ["KEY", "CREATED", "REVOKED", "DSN"]) { key, dsn in
        [key.publicKey, key.created.readable, key.revoked?.readable ?? "-", dsn]
      } members: { key, dsn in
        [
          ("publicKey", .string(key.publicKey)), ("dsn", .string(dsn)),
          ("created", .string(key.created.rfc3339)), ("revoked", .optional(key.revoked?.rfc3339)),
        ] + key.quotas.members
      }
    }
  }

  struct Revoke: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Revoke a key: Hale rejects what is sent with it from then on.",
      discussion: """
        This cannot be undone. Sessions that are already counted stay counted.

          hale key revoke 8c2e5bd1f3a04c7a9d1e6f0b2a7c4d55
        """)

    @Argument(help: "The key: \(PublicKey.rule).")
    var publicKey: String

    @OptionGroup var json: JSONOptions
    @OptionGroup var data: DataOptions

    func run() throws {
      let key = try PublicKey.checked(publicKey)
      let session = try CatalogSession(Settings(flags: data.given))
      try session.make(.revokeKey(publicKey: key))
      try json.printResult(
        [("publicKey", .string(key)), ("revoked", .string(session.now.rfc3339))],
        "The key \(key) is revoked.")
    }
  }
}
