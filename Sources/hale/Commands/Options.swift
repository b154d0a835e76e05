import ArgumentParser
import ReleaseHealth
import Storage

/// The flags of every command that works on a data directory.
struct DataOptions: ParsableArguments {
  @Option(name: Setting.data.flagName, help: Setting.data.flagHelp, completion: .directory)
  var data: String?

  @Option(
    name: Setting.configuration.flagName, help: Setting.configuration.flagHelp,
    completion: .file())
  var config: String?

  @Option(name: Setting.now.flagName, help: Setting.now.flagHelp)
  var now: String?

  var given: [(setting: Setting, value: String?)] {
    [(.data, data), (.configuration, config), (.now, now)]
  }
}

/// The flag of the commands that print DSNs.
struct PublicURLOptions: ParsableArguments {
  @Option(name: Setting.publicURL.flagName, help: Setting.publicURL.flagHelp)
  var publicURL: String?

  var given: [(setting: Setting, value: String?)] { [(.publicURL, publicURL)] }
}

/// The flags of the commands that send notifications.
struct NoticeOptions: ParsableArguments {
  @Option(name: Setting.privateNoticeHosts.flagName, help: Setting.privateNoticeHosts.flagHelp)
  var privateNoticeHosts: String?

  @Option(name: Setting.caFile.flagName, help: Setting.caFile.flagHelp, completion: .file())
  var caFile: String?

  @Option(name: Setting.smtpFrom.flagName, help: Setting.smtpFrom.flagHelp)
  var smtpFrom: String?

  @Option(
    name: Setting.noticeCommands.flagName, help: Setting.noticeCommands.flagHelp,
    completion: .directory)
  var noticeCommands: String?

  var given: [(setting: Setting, value: String?)] {
    [
      (.privateNoticeHosts, privateNoticeHosts), (.caFile, caFile), (.smtpFrom, smtpFrom),
      (.noticeCommands, noticeCommands),
    ]
  }
}

struct JSONOptions: ParsableArguments {
  @Flag(name: .customLong("json"), help: "Print one line of JSON per entry, for scripts.")
  var isJSON = false
}

/// The flag that names the organization.
struct OrganizationOptions: ParsableArguments {
  @Option(
    name: .customLong("org"),
    help: ArgumentHelp("The slug of the organization. (default: default)", valueName: "slug"))
  var slug: String?
}
