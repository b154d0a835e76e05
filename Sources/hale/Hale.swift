import ArgumentParser
import Glibc

/// The version of this program.
let haleVersion = "0.3.0"

/// The root of all commands.
struct Hale: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hale",
    abstract: "Self-hosted release health for Sentry SDKs.",
    discussion: """
      Receives the sessions of Sentry SDKs, and answers with exact crash-free rates and adoption \
      of every release.

        hale serve                  run the service; the first start prints a DSN
        hale demo                   create projects with made-up sessions
        hale project create shop    create a project and print its DSN
        hale health                 check whether the service is up
        hale gate --release R       check whether a release is healthy enough

      A setting is a flag, an environment variable HALE_…, or a line HALE_…=VALUE of the --config \
      file; the first of these that is present wins. Exit status: 0 done, 1 failed, 64 wrong \
      usage.
      """,
    version: haleVersion,
    groupedSubcommands: [
      CommandGroup(
        name: "Service",
        subcommands: [
          ServeCommand.self, HealthCommand.self, JobsCommand.self, AlertCommand.self,
        ]),
      CommandGroup(
        name: "Catalog",
        subcommands: [
          OrganizationCommand.self, ProjectCommand.self, KeyCommand.self, TokenCommand.self,
          ObjectiveCommand.self,
        ]),
      CommandGroup(name: "Notifications", subcommands: [ChannelCommand.self, NoticesCommand.self]),
      CommandGroup(
        name: "Data", subcommands: [VerifyCommand.self, BackupCommand.self, RestoreCommand.self]),
      CommandGroup(
        name: "Clients", subcommands: [GateCommand.self, SendCommand.self, DemoCommand.self]),
    ])

  /// Reads the arguments, runs the command, and ends the process with its exit status.
  static func runFromCommandLine() -> Never {
    Signals.ignoreFileSizeLimit()
    // Only Hale's own user may read its files: they contain the key of the user hashes.
    umask(0o077)
    do {
      var command = try parseAsRoot()
      try RepeatedOptions.check(CommandLine.arguments.dropFirst(), of: command)
      try command.run()
      Glibc.exit(0)
    } catch {
      guard let failure = CommandFailure(error) else { exit(byParser: error) }
      printNotice("Error: \(failure.message)")
      Glibc.exit(failure.exitStatus)
    }
  }

  /// Ends the process with the argument parser's own text: an error, or the help.
  private static func exit(byParser error: any Error) -> Never {
    let status = exitCode(for: error)
    if status == .success { exit(withError: error) }
    let text = fullMessage(for: error)
    if !text.isEmpty {
      // Its errors quote the arguments.
      for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
        printNotice(String(line))
      }
    }
    Glibc.exit(status.rawValue)
  }
}
