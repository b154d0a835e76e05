import Outbound
import ReleaseHealth
import SQLiteStorage
import Access
import Alerting
import ArgumentParser
import FoundationEssentials
import Locks
import Logging
import Service
import Storage

struct ChannelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "channel",
    abstract: "Create, list, test and delete notification channels.",
    discussion: """
      A channel is where notifications go: a webhook, a chat, mail addresses, or a program.

        hale channel create ops --kind webhook --url https://ops.example.com/hook
        hale channel test ops
      """,
    subcommands: [Create.self, List.self, Test.self, Delete.self])

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a notification channel.",
      discussion: """
        A webhook gets a random secret for its signatures, which is printed once; the variable \
        HALE_CHANNEL_SECRET sets another. Pass a secret address on standard input, with --url -.

          hale channel create ops --kind webhook --url https://ops.example.com/hook
          hale channel create chat --kind slack --url - < address
          hale channel create mail --kind email --to ops@example.com
          hale channel create pager --kind command --command page
        """)

    @Argument(help: "A name for the channel, for example ops.")
    var name: String

    @Option(
      help: .of("kind", "The kind: webhook, slack, discord, email or command."),
      completion: .list(NoticeChannel.Kind.allCases.map(\.rawValue)))
    var kind: String

    @Option(
      help: .of(
        "url", "The URL of a webhook, slack or discord channel; '-' reads it from standard input."))
    var url: String?

    @Option(help: .of("address", "A recipient of mail; can be repeated."))
    var to: [String] = []

    @Option(help: .of("address", "The sender of mail, instead of --smtp-from."))
    var from: String?

    @Option(help: .of("name", "The name of a program in the --notice-commands directory."))
    var command: String?

    @OptionGroup var options: CatalogOptions

    func run() throws {
      var form = ChannelForm()
      form.name = name
      form.kind = kind
      form.url = url == "-" ? try readFirstLine() : url
      form.to = to.isEmpty ? nil : to
      form.from = from
      form.command = command
      form.secret = ProcessInfo.processInfo.environment["HALE_CHANNEL_SECRET"]
      let secret = NewSecret.channel()
      let (name, settings, faults) = form.checked(newSecret: secret)
      guard faults.isEmpty, let settings else {
        let sentences = faults.map { "\($0.field): \($0.reason)" }
        throw CommandFailure.usage(sentences.joined(separator: " "))
      }
      let session = try CatalogSession(Settings(flags: options.data.given))
      let owner = try session.catalog().organization(options.organization.slug)
      let id = try session.make(
        .createChannel(
          organization: owner.id, name: name, kind: settings.kind, settings: settings.stored))
      let channel = NoticeChannel(
        id: id, organization: owner.id, name: name, kind: settings.kind,
        settings: settings.stored, created: session.now)
      let shown = settings.kind == .webhook && form.secret == nil ? secret : nil
      try options.json.printResult(
        channel.members + [("secret", .optional(shown))],
        [("id", "\(channel.id)"), ("name", channel.name), ("kind", channel.kind.rawValue)]
          + (shown.map { [("secret", $0)] } ?? []),
        note: shown.map { _ in "Store the secret now: it is not shown again." })
    }

    private func readFirstLine() throws -> String {
      let bytes = try readFile("-", bytesMax: 1 << 16)
      return String(decoding: bytes.prefix { $0 != 0x0a && $0 != 0x0d }, as: UTF8.self)
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the channels of an organization, without their secrets.",
      discussion: "  hale channel list --org acme")

    @OptionGroup var options: CatalogOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: options.data.given))
      let owner = try session.catalog().organization(options.organization.slug)
      let channels = try session.store.channels(of: owner.id)
      try options.json.printEntries(
        channels, ["ID", "NAME", "KIND", "TO", "CREATED"],
        row: { ["\($0.id)", $0.name, $0.kind.rawValue, $0.target, $0.created.readable] },
        members: \.members)
    }
  }

  struct Test: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Send a test notification through a channel.",
      discussion: """
        If a service runs on the data directory, the service sends it, with its own settings. \
        Otherwise this command sends it. Exits with 1 if it was not delivered.

          hale channel test ops
        """)

    @Argument(help: "The channel, by name or id.")
    var channel: String

    @OptionGroup var organization: OrganizationOptions
    @OptionGroup var json: JSONOptions
    @OptionGroup var notices: NoticeOptions
    @OptionGroup var data: DataOptions

    func run() throws {
      let settings = try Settings(flags: data.given + notices.given)
      let session = try CatalogSession(settings)
      let found = try session.channel(channel, of: organization.slug)
      let failure =
        try testInService(found, settings)
        ?? testChannel(found, settings, now: session.now).progress.failure ?? ""
      guard failure.isEmpty || json.isJSON else {
        throw CommandFailure.failed("The test notification was not delivered: \(failure)")
      }
      try json.printResult(
        [
          ("name", .string(found.name)), ("delivered", .boolean(failure.isEmpty)),
          ("failure", failure.isEmpty ? .null : .string(failure)),
        ], "The test notification was delivered to \(found.target).")
      if !failure.isEmpty { throw ExitCode.failure }
    }

    private struct Outcome: Decodable {
      var lastFailure: String?
    }

    /// - Returns: the reason of the failure, empty on success; nil where no service runs.
    private func testInService(_ channel: NoticeChannel, _ settings: Settings) throws -> String? {
      let service = ControlSocket(dataDirectory: settings.dataDirectory)
      guard let response = try service.send("POST", "/control/channels/\(channel.id)/test") else {
        return nil
      }
      guard response.status == 200,
        let outcome = try? JSONDecoder().decode(Outcome.self, from: Data(response.body))
      else {
        throw CommandFailure.failed("The service answered \(response.status): \(response.detail)")
      }
      return outcome.lastFailure ?? ""
    }
  }

  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Delete a channel, its pending notifications and their history.",
      discussion: "  hale channel delete ops")

    @Argument(help: "The channel, by name or id.")
    var channel: String

    @OptionGroup var options: CatalogOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: options.data.given))
      let found = try session.channel(channel, of: options.organization.slug)
      try session.make(.deleteChannel(id: found.id))
      try options.json.printResult(found.members, "The channel '\(found.name)' is deleted.")
    }
  }
}

/// Sends a test through a channel of a directory, whether a service runs on it or not.
private func testChannel(
  _ channel: NoticeChannel, _ settings: Settings, now: Timestamp
) throws -> NoticeRecord {
  let store = try openStore(dataDirectory: settings.dataDirectory, ownsSessions: false)
  let sender = NoticeSender(
    store: store, settings.notices, catalog: try CatalogCache(store), clock: WallClock { now },
    webURL: settings.publicURL?.text, version: DataVersion(),
    log: Logger(label: "hale", factory: { _ in SwiftLogNoOpLogHandler() }))
  guard let record = try sender.test(channel) else {
    preconditionFailure("A new sender is not busy.")
  }
  try store.close()
  return record
}

extension NoticeChannel {
  /// The destination without its secrets.
  fileprivate var target: String { ChannelSettings(self)?.target ?? "-" }

  fileprivate var members: JSONMembers {
    [
      ("id", .integer(id)), ("name", .string(name)), ("kind", .string(kind.rawValue)),
      ("target", .string(target)), ("created", .string(created.rfc3339)),
    ]
  }
}

extension CatalogSession {
  /// The channel that an argument names, by its name or its id.
  fileprivate func channel(_ text: String, of slug: String?) throws -> NoticeChannel {
    let channels = try store.channels(of: try catalog().organization(slug).id)
    let found =
      channels.first { $0.name == text } ?? channels.first { String($0.id) == text }
    guard let found else {
      let names = channels.map(\.name).joined(separator: ", ")
      throw CommandFailure.failed(
        "There is no channel '\(text)'. "
          + (names.isEmpty ? "`hale channel create` creates one." : "The channels are: \(names)."))
    }
    return found
  }
}
