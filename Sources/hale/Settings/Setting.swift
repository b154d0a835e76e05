import ArgumentParser
import Storage

/// One setting of Hale: its names, what it takes and what it does, written here and nowhere else.
///
/// A setting is a flag (`--public-url`), an environment variable (`HALE_PUBLIC_URL`) and a line of
/// the configuration file (`HALE_PUBLIC_URL=…`); the first of these that is there decides.
struct Setting: Sendable {
  /// The name that flag and variable are made from, for example `public-url`.
  let name: String
  /// Whether there is a flag. Secrets have none: arguments can be read by every user of a machine.
  var hasFlag = true
  /// Whether a line of the configuration file can say it.
  var isInFile = true
  /// What stands for the value in help texts, for example `host:port`.
  let valueName: String
  /// The value where nothing is said, as text; nil where that is no value.
  var defaultValue: String?
  /// The accepted form, as the end of the sentence “it takes …”.
  let form: String
  /// What it does: one sentence without its full stop.
  let help: String

  /// The flag, for example `--public-url`; nil where there is none.
  var flag: String? { hasFlag ? "--\(name)" : nil }

  /// The environment variable, for example `HALE_PUBLIC_URL`.
  var variable: String {
    "HALE_" + name.uppercased().replacing("-", with: "_")
  }

  /// The name for a declaration of the flag.
  var flagName: NameSpecification { .customLong(name) }

  /// The help for a declaration of the flag.
  var flagHelp: ArgumentHelp {
    let standing = defaultValue.map { "\(variable); default \($0)" } ?? variable
    return ArgumentHelp("\(help). (\(standing))", valueName: valueName)
  }
}

extension Setting {
  static let configuration = Setting(
    name: "config", isInFile: false, valueName: "file",
    form: "the path of a file that can be read, for example /etc/hale.conf",
    help: "Read settings from this file, with lines like HALE_LISTEN=0.0.0.0:8787")

  static let listen = Setting(
    name: "listen", valueName: "host:port", defaultValue: "127.0.0.1:8787",
    form: "HOST:PORT, for example 127.0.0.1:8787, [::1]:8787 or 0.0.0.0:8787",
    help: "The address that the service listens on; port 0 lets the system choose one")

  static let data = Setting(
    name: "data", valueName: "dir", defaultValue: "./hale-data",
    form: "the path of a directory, for example ./hale-data",
    help: "The directory that holds everything that Hale remembers")

  static let publicURL = Setting(
    name: "public-url", valueName: "url",
    form: "an http:// or https:// address, for example https://hale.example.com",
    help: "The address by which SDKs and browsers reach the service: DSNs are printed with it")

  static let now = Setting(
    name: "now", valueName: "time",
    form: "a time like 2026-03-01T10:00:00Z, or @FILE with a file that such a time stands in",
    help: "Start the clock at this time and let it tick on, or follow the time in @FILE")

  static let logFormat = Setting(
    name: "log-format", valueName: "format", defaultValue: "text",
    form: "text or json",
    help: "How the log lines on standard error are written: text or json")

  static let logLevel = Setting(
    name: "log-level", valueName: "level", defaultValue: "info",
    form: "trace, debug, info, notice, warning, error or critical",
    help: "The least severe level that is logged")

  static let retentionDays = Setting(
    name: "retention-days", valueName: "days", defaultValue: "90",
    form:
      "a whole number of days from 7 (longer than updates of a session are taken) to 3650, for example 90",
    help: "How many days counts and users are kept")

  static let privateNoticeHosts = Setting(
    name: "private-notice-hosts", valueName: "list",
    form: "names of hosts, addresses and networks with commas between, for example "
      + "chat.internal,10.1.0.0/16, or * for all",
    help: "The private addresses that notices may be sent to; without it none")

  static let caFile = Setting(
    name: "ca-file", valueName: "file",
    form: "the path of a file of certificates in PEM, for example /etc/hale/ca.pem",
    help: "Check servers that are sent to by these certificates instead of the system's")

  static let smtpURL = Setting(
    name: "smtp-url", hasFlag: false, valueName: "url",
    form: "smtp://USER:PASSWORD@HOST:PORT or smtps://…, with ?tls=none where the server has no TLS",
    help:
      "The mail server for notices; smtp:// goes on only by STARTTLS, unless ?tls=none stands behind it"
  )

  static let smtpFrom = Setting(
    name: "smtp-from", valueName: "address",
    form: "a mail address alone, for example hale@example.com",
    help: "The sender of mails, where a channel names none")

  static let noticeCommands = Setting(
    name: "notice-commands", valueName: "dir",
    form: "the path of a directory, for example /etc/hale/commands",
    help: "The directory of the programs that channels of the kind command may run; without it none"
  )

  static let alerts = Setting(
    name: "alerts", valueName: "file",
    form: "the path of a file with alert rules, for example /etc/hale/alerts.json",
    help: "Declare alert rules by this JSON file; it is read again when it changes")

  static let initialKey = Setting(
    name: "initial-key", hasFlag: false, valueName: "hex",
    form: "32 hexadecimal characters",
    help: "The DSN public key of the first project, instead of a random one")

  static let initialToken = Setting(
    name: "initial-token", hasFlag: false, valueName: "token",
    form: "1 to 200 visible ASCII characters without spaces",
    help: "The first admin token, instead of a random one")

  static let initialProject = Setting(
    name: "initial-project", hasFlag: false, valueName: "slug", defaultValue: "default",
    form: Slug.rule,
    help: "The slug of the first project")

  /// Every setting, in the order in which they are documented.
  static let all = [
    configuration, listen, data, publicURL, now, logFormat, logLevel, retentionDays, alerts,
    privateNoticeHosts, caFile, smtpURL, smtpFrom, noticeCommands, initialKey, initialToken,
    initialProject,
  ]

  /// All settings as the Markdown table that stands in README.
  static var markdownTable: String {
    let rows = all.map { setting in
      let flag = setting.flag.map { "`\($0) \(setting.valueName.uppercased())`" } ?? "–"
      let standing = setting.defaultValue.map { "`\($0)`" } ?? "–"
      return "| \(flag) | `\(setting.variable)` | \(standing) | \(setting.help) |"
    }
    return (["| flag | variable | default | what it does |", "|---|---|---|---|"] + rows)
      .joined(separator: "\n")
  }
}
