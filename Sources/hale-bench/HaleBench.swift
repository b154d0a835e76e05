import ArgumentParser
import ReleaseHealth

/// The root of all scenarios.
struct HaleBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hale-bench",
    abstract: "Measures parts of Hale; `Scripts/bench` puts them together.",
    discussion: "Each scenario prints one line of JSON. What it makes depends on its seed alone.",
    subcommands: [
      FillCommand.self, RequestsCommand.self, CeilingCommand.self, EnvelopeCommand.self,
      ReduceCommand.self, UsersCommand.self, QueryCommand.self, RawCommand.self, ListenCommand.self,
      GateCommand.self, EstimateCommand.self,
    ])
}

/// The made-up world that sessions come from, as all scenarios are told it.
struct TrafficOptions: ParsableArguments {
  @Option(help: "What is made up depends on this number alone.")
  var seed: UInt64 = 1

  @Option(help: "The last instant of the history, and the service's clock of the measure.")
  var now = "2026-03-01T12:30:00Z"

  @Option(help: "Sessions of the history, all ended.")
  var sessions = 1_000_000

  @Option(help: "Sessions of the last hour that have not ended.")
  var open = 0

  @Option(help: "The history's length.")
  var days = 4

  @Option(help: "Users, drawn evenly.")
  var users = 100_000

  @Option(help: "Releases, drawn evenly.")
  var releases = 10

  @Option(help: "Environments; the first has three quarters of the sessions.")
  var environments = 2

  func validate() throws {
    guard RFC3339.parse(now) != nil else {
      throw ValidationError("--now takes a time like 2026-03-01T12:30:00Z")
    }
    guard [sessions, open, days].allSatisfy({ $0 >= 0 }),
      [users, releases, environments].allSatisfy({ $0 > 0 })
    else { throw ValidationError("sizes are positive numbers") }
  }

  var traffic: Traffic {
    Traffic(
      seed: seed, now: RFC3339.parse(now) ?? Timestamp(milliseconds: 0), sessions: sessions,
      open: open, days: days, users: users, releases: releases, environments: environments)
  }
}
