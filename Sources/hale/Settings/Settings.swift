import Alerting
import Glibc
import HTTP
import Logging
import Outbound
import Storage

/// All settings, checked once at the start and passed down as a value.
struct Settings: Sendable {
  var listen: ListenAddress
  var dataDirectory: String
  /// The public URL; nil where none is set. The service also answers under its path.
  var publicURL: WebAddress?
  var trustedProxies: TrustedProxies
  var now: ClockSource
  var logFormat: LogFormat
  var logLevel: Logger.Level
  /// The retention of counts and users, in days.
  var retentionDays: Int
  /// The time within which a query is answered.
  var queryTimeoutSeconds: Int
  /// The path of the alert rules file.
  var alertsFile: String?
  var notices: NoticeSettings
  /// 32 lower-case hexadecimal characters.
  var initialKey: String?
  var initialToken: String?
  var initialProject: String

  init(_ sources: SettingSources) throws(CommandFailure) {
    listen = try sources.required(.listen) { ListenAddress($0) }
    dataDirectory = try sources.required(.data) { $0.isEmpty ? nil : $0 }
    publicURL = try sources.optional(.publicURL) { WebAddress(publicURL: $0) }
    trustedProxies = try sources.optional(.trustedProxies) { TrustedProxies($0) } ?? .init()
    now = try sources.optional(.now) { ClockSource($0) } ?? .system
    logFormat = try sources.required(.logFormat) { LogFormat(rawValue: $0) }
    logLevel = try sources.required(.logLevel) { Logger.Level(rawValue: $0) }
    retentionDays = try sources.required(.retentionDays) { text in
      Int(text).flatMap { (7...3650).contains($0) ? $0 : nil }
    }
    queryTimeoutSeconds = try sources.required(.queryTimeout) { text in
      Int(text).flatMap { (1...600).contains($0) ? $0 : nil }
    }
    alertsFile = try sources.optional(.alerts) { $0.isEmpty ? nil : $0 }
    notices = NoticeSettings(
      addresses: try sources.optional(.privateNoticeHosts) { AddressPolicy($0) } ?? .publicOnly,
      caFile: try sources.optional(.caFile) { unsafe access($0, R_OK) == 0 ? $0 : nil },
      mailServer: try sources.optional(.smtpURL, isSecret: true) { MailServer(url: $0) },
      mailFrom: try sources.optional(.smtpFrom) { MailAddress.isValid($0) ? $0 : nil },
      commandDirectory: try sources.optional(.noticeCommands) {
        FileIdentity(path: $0)?.isDirectory == true ? $0 : nil
      })
    initialKey = try sources.optional(.initialKey) { PublicKey.normalized($0) }
    initialToken = try sources.optional(.initialToken, isSecret: true) { text in
      let isUsable = text.utf8.count <= 200 && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
      return isUsable ? text : nil
    }
    initialProject = try sources.required(.initialProject) { Slug.isValid($0) ? $0 : nil }
  }

  /// - Parameter flags: the flags of a command, with the values that were given.
  init(flags: [(setting: Setting, value: String?)]) throws(CommandFailure) {
    try self.init(SettingSources(flags: flags))
  }

  /// The logger of this process.
  var logger: Logger {
    let format = logFormat
    var logger = Logger(label: "hale", factory: { _ in StandardErrorLogHandler(format: format) })
    logger.logLevel = logLevel
    return logger
  }
}

extension SettingSources {
  /// The value of a setting that has a default.
  fileprivate func required<Value>(
    _ setting: Setting, _ parse: (String) -> Value?
  ) throws(CommandFailure) -> Value {
    if let value = try optional(setting, parse) { return value }
    guard let text = setting.defaultValue, let value = parse(text) else {
      preconditionFailure("The default of \(setting.name) is not valid.")
    }
    return value
  }

  /// The value of a setting; nil where it is not set.
  ///
  /// - Parameter isSecret: whether errors leave out the value.
  fileprivate func optional<Value>(
    _ setting: Setting, isSecret: Bool = false, _ parse: (String) -> Value?
  ) throws(CommandFailure) -> Value? {
    guard let found = value(of: setting) else { return nil }
    if let value = parse(found.value) { return value }
    let shown = isSecret ? "a text of \(found.value.utf8.count) bytes" : "'\(found.value)'"
    throw .usage("\(found.origin) is \(shown), but it takes \(setting.form).")
  }
}
