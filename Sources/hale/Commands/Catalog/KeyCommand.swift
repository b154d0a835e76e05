import ArgumentParser
import Storage

struct KeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "Create, list and revoke DSN public keys.",
    discussion: """
      A key is what an SDK identifies itself with. It is public: it can only send. A project can \
      have several, for example one for each customer's build.

        hale key create shop
      """,
    subcommands: [Create.self, List.self, Revoke.self])

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create one more key of a project.",
      discussion: """
        Prints the DSN with the new key. The keys before it stay good.

          hale key create shop
        """)

    @Argument(help: "The project, by slug or id.")
    var project: String

    @OptionGroup var organization: OrganizationOptions
    @OptionGroup var json: JSONOptions
    @OptionGroup var data: DataOptions
    @OptionGroup var publicURL: PublicURLOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: data.given + publicURL.given))
      let catalog = try session.catalog()
      let project = try catalog.project(project, organization: organization.slug)
      let key = PublicKey.random()
      try session.make(.createKey(project: project.id, publicKey: key))
      let dsn = DSN(server: session.server(catalog), publicKey: key, project: project.id).text
      if json.isJSON {
        try printLine(jsonLine([("publicKey", .string(key)), ("dsn", .string(dsn))]))
      } else {
        try printPairs([("key", key), ("DSN", dsn)])
      }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the keys of a project, the revoked ones too.",
      discussion: "  hale key list shop")

    @Argument(help: "The project, by slug or id.")
    var project: String

    @OptionGroup var organization: OrganizationOptions
    @OptionGroup var json: JSONOptions
    @OptionGroup var data: DataOptions
    @OptionGroup var publicURL: PublicURLOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: data.given + publicURL.given))
      let catalog = try session.catalog()
      let project = try catalog.project(project, organization: organization.slug)
      var rows: [[String]] = []
      for key in catalog.keys(of: project) {
        let dsn = DSN(
          server: session.server(catalog), publicKey: key.publicKey, project: project.id
        ).text
        if json.isJSON {
          try printLine(
            jsonLine([
              ("publicKey", .string(key.publicKey)), ("dsn", .string(dsn)),
              ("created", .string(key.created.rfc3339)),
              ("revoked", .optional(key.revoked?.rfc3339)),
            ]))
        } else {
          rows.append([
            key.publicKey, key.created.readable, key.revoked?.readable ?? "-", dsn,
          ])
        }
      }
      if !json.isJSON { try printColumns(["KEY", "CREATED", "REVOKED", "DSN"], rows) }
    }
  }

  struct Revoke: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Revoke a key: what is sent with it is refused from now on.",
      discussion: """
        It cannot be undone. What was counted stays counted.

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
      if json.isJSON {
        try printLine(
          jsonLine([("publicKey", .string(key)), ("revoked", .string(session.now.rfc3339))]))
      } else {
        try printLine("The key \(key) is revoked.")
      }
    }
  }
}
