import ArgumentParser
import Glibc

/// The version of this program.
let haleVersion = "0.1.0"

/// The root of all commands.
struct Hale: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hale",
    abstract: "Sentry-compatible release health on one machine.",
    discussion: """
      Point Sentry SDKs at it, and read exact crash-free rates and adoption of every release.

        hale serve                  run the service; the first start prints a DSN
        hale demo                   fill it with made-up traffic, to look around
        hale project create shop    one more project, with a DSN of its own
        hale health                 is it up?
        hale gate --release R       is the release healthy enough?

      Every setting is a flag, an environment variable HALE_… or a line HALE_…=VALUE of the file \
      that --config names; the first of these that is there decides. Exit status: 0 done, \
      1 failed, 64 wrong usage.
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
      CommandGroup(name: "Notices", subcommands: [ChannelCommand.self, NoticesCommand.self]),
      CommandGroup(
        name: "Data", subcommands: [VerifyCommand.self, BackupCommand.self, RestoreCommand.self]),
      CommandGroup(
        name: "Clients", subcommands: [GateCommand.self, SendCommand.self, DemoCommand.self]),
    ])

  /// Reads the arguments, runs the command, and ends the process with its exit status.
  static func runFromCommandLine() -> Never {
    Signals.ignoreFileSizeLimit()
    // What Hale makes is for its own user alone: there is the key of the user hashes.
    umask(0o077)
    do {
      var command = try parseAsRoot()
      try command.run()
      Glibc.exit(0)
    } catch {
      // The argument parser shows what is its own, a help page among it.
      guard let failure = CommandFailure(error) else { exit(withError: error) }
      printNotice("Error: \(failure.message)")
      Glibc.exit(failure.exitStatus)
    }
  }
}
