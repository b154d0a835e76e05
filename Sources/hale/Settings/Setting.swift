import ArgumentParser
import Storage

/// A setting: its names, its form and its help, in one place.
///
/// A setting is a flag (`--public-url`), an environment variable (`HALE_PUBLIC_URL`) and a line of
/// the configuration file (`HALE_PUBLIC_URL=…`); the first of these that is present wins.
struct Setting: Sendable {
  /// The name that the flag and the variable derive from, for example `public-url`.
  let name: String
  /// Whether there is a flag. Secrets have none, because all users of a machine can read arguments.
  var hasFlag = true
  /// Whether the configuration file can set it.
  var isInFile = true
  /// The placeholder of the value in help texts, for example `host:port`.
  let valueName: String
  /// The default, as text; nil where there is none.
  var defaultValue: String?
  /// The accepted form, as the end of the sentence “it takes …”.
  let form: String
  /// The help: one sentence without its full stop.
  let help: String

  /// The flag, for example `--public-url`; nil where there is none.
  var flag: String? { hasFlag ? "--\(name)" : nil }

  /// The environment variable, for example `HALE_PUBLIC_URL`.
  var variable: String {
    "HALE_" + name.uppercased().replacing("-", with: "_")
  }
}

extension Option where Value == String? {
  /// Declares the flag of a setting.
  init(_ setting: Setting, completion: CompletionKind? = nil) {
    let variable = setting.variable
    let standing = setting.defaultValue.map { "\(variable); default \($0)" } ?? variable
    self.init(
      name: .customLong(setting.name),
      help: ArgumentHelp("\(setting.help). (\(standing))", valueName: setting.valueName),
      completion: completion)
  }
}

extension Setting {
  static let configuration = Setting(
    name: "config", isInFile: false, valueName: "file",
    form: "the path of a readable file, for example /etc/hale.conf",
    help: "A file of settings, with lines like HALE_LISTEN=0.0.0.0:8787")

  static let listen = Setting(
    name: "listen", valueName: "host:port", defaultValue: "127.0.0.1:8787",
    form: "HOST:PORT, for example 127.0.0.1:8787, [::1]:8787 or 0.0.0.0:8787",
    help: "The address that the service listens on; port 0 lets the system choose one")

  static let data = Setting(
    name: "data", valueName: "dir", defaultValue: "./hale-data",
    form: "the path of a directory, for example ./hale-data",
    help: "The data directory, with everything that Hale stores")

  static let publicURL = Setting(
    name: "public-url", valueName: "url",
    form: "an http:// or https:// address, for example https://hale.example.com",
    help: "The URL by which SDKs and browsers reach the service; it appears in DSNs")

  static let trustedProxies = Setting(
    name: "trusted-proxies", valueName: "list",
    form: "addresses and networks, separated by commas, for example 127.0.0.1,10.0.0.0/8; not all "
      + "addresses (/0)",
    help: "Proxies whose X-Forwarded-For names the client; none by default")

  static let now = Setting(
    name: "now", valueName: "time",
    form: "a time like 2026-03-01T10:00:00Z, or @FILE with a file that contains such a time",
    help: "The time at which the clock starts, or @FILE for a clock that shows the time in a file")

  static let logFormat = Setting(
    name: "log-format", valueName: "format", defaultValue: "text",
    form: "text or json",
    help: "The format of the log lines on standard error: text or json")

  static let logLevel = Setting(
    name: "log-level", valueName: "level", defaultValue: "info",
    form: "trace, debug, info, notice, warning, error or critical",
    help: "The least severe level that is logged")

  static let retentionDays = Setting(
    name: "retention-days", valueName: "days", defaultValue: "90",
    form:
      "a whole number of days from 7 (longer than updates are accepted) to 3650, for example 90",
    help: "The retention of counts and users, in days")

  static let queryTimeout = Setting(
    name: "query-timeout", valueName: "seconds", defaultValue: "10",
    form: "a whole number of seconds from 1 to 600, for example 10",
    help: "The time for an API query, in seconds; beyond it the answer is 504")

  static let privateNoticeHosts = Setting(
    name: "private-notice-hosts", valueName: "list",
    form: "host names, addresses and networks, separated by commas, for example "
      + "chat.internal,10.1.0.0/16, or * for all",
    help: "Private hosts that notifications may be sent to; none by default")

  static let caFile = Setting(
    name: "ca-file", valueName: "file",
    form: "the path of a PEM file of certificates, for example /etc/hale/ca.pem",
    help: "CA bundle for outgoing TLS, instead of the system's")

  static let smtpURL = Setting(
    name: "smtp-url", hasFlag: false, valueName: "url",
    form: "smtp://USER:PASSWORD@HOST:PORT or smtps://…, with ?tls=none for a server without TLS",
    help:
      "The mail server for notifications; smtp:// requires STARTTLS unless ?tls=none is given"
  )

  static let smtpFrom = Setting(
    name: "smtp-from", valueName: "address",
    form: "a bare mail address, for example hale@example.com",
    help: "The sender of mail, for channels that have none of their own")

  static let noticeCommands = Setting(
    name: "notice-commands", valueName: "dir",
    form: "the path of a directory, for example /etc/hale/commands",
    help: "The directory of programs that command channels may run; none by default"
  )

  static let alerts = Setting(
    name: "alerts", valueName: "file",
    form: "the path of an alert rules file, for example /etc/hale/alerts.json",
    help: "A JSON file of alert rules, read again when it changes")

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
    configuration, listen, data, publicURL, trustedProxies, now, logFormat, logLevel,
    retentionDays, queryTimeout, alerts, privateNoticeHosts, caFile, smtpURL, smtpFrom,
    noticeCommands,
    initialKey, initialToken, initialProject,
  ]

  /// The Markdown table of all settings, as docs/settings.md has it.
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
