import Storage
import ArgumentParser

struct KeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "Create, list and revoke DSN public keys.",
    discussion: """
      SDKs identify their project by a public key, which only allows sending. A project can have \
      several keys, for example one for each customer's build.

        hale key create shop
      """,
    subcommands: [Create.self, List.self, Revoke.self])

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
        ]
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
      guard let key = PublicKey.normalized(publicKey) else {
        throw CommandFailure.usage("The key is '\(publicKey)', but it takes \(PublicKey.rule).")
      }
      let session = try CatalogSession(Settings(flags: data.given))
      try session.make(.revokeKey(publicKey: key))
      try json.printResult(
        [("publicKey", .string(key)), ("revoked", .string(session.now.rfc3339))],
        "The key \(key) is revoked.")
    }
  }
}
