import ArgumentParser
import ReleaseHealth
import Storage

struct ObjectiveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "objective",
    abstract: "Set, list and remove the objectives of projects.",
    discussion: """
      An objective is the share of a project's sessions or users that is to be crash-free, or \
      free of crashes and unhandled errors where the project calls both bad (`hale project set \
      --bad`). The rest is its error budget: the dashboard, the API and /metrics show what is left of it and \
      its burn rate.

        hale objective set shop --crash-free-sessions 99.9 --days 28
      """,
    subcommands: [Set.self, List.self, Remove.self])

  struct Set: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Set the objective of a project.",
      discussion: """
        What is not given stays as it is; of a new objective it is 99.9 % of sessions over 28 \
        days. A running service applies it at once.

          hale objective set shop --crash-free-users 99.5 --days 7
        """)

    @Argument(help: "The project, by slug or id.")
    var project: String

    @Option(help: .of("percent", "The target share of crash-free sessions, in percent."))
    var crashFreeSessions: String?

    @Option(
      help: .of("percent", "The target share of crash-free users, in percent, instead of sessions.")
    )
    var crashFreeUsers: String?

    @Option(help: "The window up to now, in days: 1 to 90. (default: 28)")
    var days: Int?

    @OptionGroup var options: CatalogOptions

    func run() throws {
      // Wrong usage is found without the database.
      _ = try changed(Objective())
      let session = try CatalogSession(Settings(flags: options.data.given))
      let catalog = try session.catalog()
      let project = try catalog.project(project, organization: options.organization.slug)
      let known = catalog.objectives.first { $0.project == project.id }?.objective
      if known == nil, crashFreeSessions == nil, crashFreeUsers == nil, days == nil {
        throw CommandFailure.usage(
          "\(project.slug) has no objective yet: give --crash-free-sessions or --crash-free-users, "
            + "or --days alone for 99.9 % of sessions.")
      }
      let objective = try changed(known ?? Objective())
      if objective != known {
        try session.make(
          .setObjective(objective, known: known ?? Objective(), project: project.id))
      }
      try options.json.printResult(
        objective.fields(of: project), "\(project.slug): \(objective.sentence(project.bad)).")
    }

    /// The objective with what is given.
    private func changed(_ objective: Objective) throws(CommandFailure) -> Objective {
      if crashFreeSessions != nil, crashFreeUsers != nil {
        throw .usage(
          "A project has one objective: give --crash-free-sessions or --crash-free-users.")
      }
      var objective = objective
      if let days {
        guard Objective.daysRange.contains(days) else {
          throw .usage("--days is \(days), but it takes a number from 1 to 90.")
        }
        objective.days = days
      }
      if let text = crashFreeUsers ?? crashFreeSessions {
        objective.measure = crashFreeUsers == nil ? .sessions : .users
        guard let target = Objective.Target(percent: text) else {
          throw .usage(
            "--\(objective.measure.option) is '\(text)', but it takes \(Objective.Target.rule).")
        }
        objective.target = target
      }
      return objective
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the objectives of an organization's projects.",
      discussion: "  hale objective list")

    @OptionGroup var options: CatalogOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: options.data.given))
      let catalog = try session.catalog()
      let owner = try catalog.organization(options.organization.slug)
      let projects = catalog.projects.filter { $0.organization == owner.id }
      let entries = projects.compactMap { project in
        catalog.objectives.first { $0.project == project.id }.map { (project, $0) }
      }
      var seen: [ProjectID] = []
      for (project, _) in entries where try session.store.haveSessions([project.id]) {
        seen.append(project.id)
      }
      func isUnmatched(_ project: Project) -> Bool { !seen.contains(project.id) }
      try options.json.printEntries(entries, ["PROJECT", "OBJECTIVE", "SET"]) { project, own in
        let mark = isUnmatched(project) ? ", matches nothing yet" : ""
        return [project.slug, own.objective.sentence(own.bad) + mark, own.created.readable]
      } members: { project, own in
        own.objective.fields(of: project)
          + [("isUnmatched", .boolean(isUnmatched(project)))]
      }
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove the objective of a project.",
      discussion: "  hale objective remove shop")

    @Argument(help: "The project, by slug or id.")
    var project: String

    @OptionGroup var options: CatalogOptions

    func run() throws {
      let session = try CatalogSession(Settings(flags: options.data.given))
      let project = try session.catalog().project(project, organization: options.organization.slug)
      try session.make(.removeObjective(project: project.id))
      try options.json.printResult(
        [("project", .string(project.slug))], "\(project.slug) no longer has an objective.")
    }
  }
}

extension Objective {
  fileprivate func sentence(_ bad: BadStatuses) -> String {
    let what = measure == .sessions ? "sessions" : "users"
    return "\(target.percentText) % of \(what) \(bad.freeWord) over \(days) days"
  }

  fileprivate func fields(of project: Project) -> JSONMembers {
    [
      ("project", .string(project.slug)), ("measure", .string(measure.rawValue)),
      ("target", .number(target.percent)), ("days", .integer(Int64(days))),
      ("bad", .string(project.bad.rawValue)),
    ]
  }
}

extension Objective.Measure {
  fileprivate var option: String {
    self == .sessions ? "crash-free-sessions" : "crash-free-users"
  }
}
