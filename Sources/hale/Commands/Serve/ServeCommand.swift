import ArgumentParser
import Logging

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Run the service.",
    discussion: """
      Prints its address once it listens. The first start on an empty data directory creates the \
      organization 'default', a project, a DSN and an admin token, and prints them once. \
      HALE_INITIAL_KEY, HALE_INITIAL_TOKEN and HALE_INITIAL_PROJECT choose their values, for \
      containers. Log lines go to standard error.

      After SIGTERM or SIGINT the service finishes the requests that it has read and exits with \
      0. A second signal stops it at once.

        hale serve --data /var/lib/hale --public-url https://hale.example.com

      For replays and tests the clock can start at a given time, or always show the time that is \
      written in a file. With a file, periodic jobs run only by `hale jobs run`.

        hale serve --now 2026-03-01T10:00:00Z
        hale serve --now @clock.txt
      """)

  @Option(.listen)
  var listen: String?

  @OptionGroup var data: DataOptions
  @OptionGroup var publicURL: PublicURLOptions

  @Option(.trustedProxies)
  var trustedProxies: String?

  @Option(.retentionDays)
  var retentionDays: String?

  @Option(.queryTimeout)
  var queryTimeout: String?

  @OptionGroup var notices: NoticeOptions

  @Option(.alerts, completion: .file())
  var alerts: String?

  @Option(.logFormat)
  var logFormat: String?

  @Option(.logLevel)
  var logLevel: String?

  func run() throws {
    let settings = try Settings(
      flags: data.given + publicURL.given + notices.given + [
        (.listen, listen), (.trustedProxies, trustedProxies), (.retentionDays, retentionDays),
        (.queryTimeout, queryTimeout), (.logFormat, logFormat), (.logLevel, logLevel),
        (.alerts, alerts),
      ])
    let logger = settings.logger
    let clock = try SystemClock(settings.now)
    ProcessLimits.raiseDescriptors()
    let stop = StopSignal()
    try Signals.watch(stop, logger)
    if FileIdentity(path: settings.dataDirectory + "/hale.db") == nil {
      try FirstStart.checkAlertRules(settings)
    }
    try createDirectory(settings.dataDirectory)
    let lock = try DirectoryLock(dataDirectory: settings.dataDirectory, for: .service)
    defer { withExtendedLifetime(lock) {} }
    try runService(settings, clock, stop: stop) { port, store in
      let address = ListenAddress(host: settings.listen.host, port: port)
      try FirstStart(settings: settings, address: address, now: clock.now()).announce(store)
      logger.info(
        "listening",
        metadata: [
          "address": "\(address.text)", "data": "\(settings.dataDirectory)",
          "version": "\(haleVersion)",
        ])
    }
    logger.info("stopped")
  }
}
