import Alerting
import Storage
import ArgumentParser

struct NoticesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "notices",
    abstract: "List notifications and their delivery.",
    discussion: """
      The newest come first. A failed delivery shows its reason and the time of the next attempt.

        hale notices --limit 20
      """)

  @Option(help: .of("n", "The number of notifications to list."))
  var limit = 100

  @OptionGroup var options: CatalogOptions

  func validate() throws {
    guard (1...100_000).contains(limit) else {
      throw ValidationError("--limit takes a number from 1 to 100000.")
    }
  }

  func run() throws {
    let session = try CatalogSession(Settings(flags: options.data.given))
    let owner = try session.catalog().organization(options.organization.slug)
    let names = Dictionary(
      try session.store.channels(of: owner.id).map { ($0.id, $0.name) }, uniquingKeysWith: { $1 })
    let records = try session.store.notices(
      of: owner.id, channel: nil, offset: 0, limit: limit)
    try options.json.printEntries(
      records,
      ["CREATED", "CHANNEL", "NOTICE", "STATUS", "ATTEMPTS", "NEXT ATTEMPT", "LAST FAILURE"]
    ) { record in
      let progress = record.progress
      let status = progress.status == .givenUp ? "given up" : progress.status.rawValue
      return [
        record.notice.created.readable, names[record.channel] ?? "-", record.notice.title,
        status, "\(progress.attempts)", progress.nextAttempt?.readable ?? "-",
        progress.failure ?? "-",
      ]
    } members: { record in
      let (notice, progress) = (record.notice, record.progress)
      return [
        ("id", .integer(record.id)), ("channel", .optional(names[record.channel])),
        ("key", .string(notice.key)), ("action", .string(notice.action.rawValue)),
        ("title", .string(notice.title)), ("status", .string(progress.status.rawValue)),
        ("attempts", .integer(Int64(progress.attempts))),
        ("lastFailure", .optional(progress.failure)),
        ("nextAttempt", .optional(progress.nextAttempt?.rfc3339)),
        ("delivered", .optional(progress.delivered?.rfc3339)),
        ("created", .string(notice.created.rfc3339)),
      ]
    }
  }
}
