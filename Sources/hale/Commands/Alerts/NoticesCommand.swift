import Alerting
import ArgumentParser
import ReleaseHealth
import Service
import Storage

struct NoticesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "notices",
    abstract: "List notifications and their delivery.",
    discussion: """
      The newest come first. A failed delivery shows its reason and the time of the next attempt.

        hale notices --limit 20
      """)

  @Option(help: ArgumentHelp("The number of notifications to list.", valueName: "n"))
  var limit = 100

  @OptionGroup var organization: OrganizationOptions
  @OptionGroup var json: JSONOptions
  @OptionGroup var data: DataOptions

  func validate() throws {
    guard (1...100_000).contains(limit) else {
      throw ValidationError("--limit takes a number from 1 to 100000.")
    }
  }

  func run() throws {
    let session = try CatalogSession(Settings(flags: data.given))
    let owner = try session.catalog().organization(organization.slug)
    let names = Dictionary(
      try session.store.channels(of: owner.id).map { ($0.id, $0.name) }, uniquingKeysWith: { $1 })
    let records = try session.store.notices(
      of: owner.id, channel: nil, offset: 0, limit: limit)
    if json.isJSON {
      for record in records {
        let progress = record.progress
        try printLine(
          jsonLine([
            ("id", .integer(record.id)), ("channel", .optional(names[record.channel])),
            ("key", .string(record.notice.key)),
            ("action", .string(record.notice.action.rawValue)),
            ("title", .string(record.notice.title)),
            ("status", .string(progress.status.rawValue)),
            ("attempts", .integer(Int64(progress.attempts))),
            ("lastFailure", .optional(progress.failure)),
            ("nextAttempt", .optional(progress.nextAttempt?.rfc3339)),
            ("delivered", .optional(progress.delivered?.rfc3339)),
            ("created", .string(record.notice.created.rfc3339)),
          ]))
      }
    } else {
      try printColumns(
        ["CREATED", "CHANNEL", "NOTICE", "STATUS", "ATTEMPTS", "NEXT ATTEMPT", "LAST FAILURE"],
        records.map { record in
          let progress = record.progress
          let status = progress.status == .givenUp ? "given up" : progress.status.rawValue
          return [
            record.notice.created.readable, names[record.channel] ?? "-", record.notice.title,
            status, "\(progress.attempts)", progress.nextAttempt?.readable ?? "-",
            progress.failure ?? "-",
          ]
        })
    }
  }
}
