internal import Metrics
internal import Alerting
internal import ReleaseHealth
internal import Storage

/// Writes metrics in Prometheus' text format, version 0.0.4: help and type precede each family,
/// names end with their base unit, and counters with `_total`.
struct MetricsText {
  private(set) var text = ""

  private enum Kind: String {
    case counter, gauge, histogram
  }

  typealias Labels = [(name: String, value: String)]

  /// Writes all metrics of Hale.
  static func write(
    _ state: Metrics.State, _ process: ProcessFigures,
    health: (projects: [Project], rates: [RateFigures.Figure], budgets: [BudgetFigures.Figure]),
    notices: NoticeSender.Tally, queued: (updates: Int, queries: Int)
  ) -> [UInt8] {
    var writer = MetricsText()
    writer.writeIngest(state, queuedUpdates: queued.updates)
    writer.writeQueries(state, queuedQueries: queued.queries)
    writer.writeJobs(state)
    writer.writeProjects(health.projects)
    writer.writeRates(health.rates)
    writer.writeBudgets(health.budgets)
    writer.writeAlerts(state, notices)
    writer.writeProcess(process)
    return Array(writer.text.utf8)
  }

  private static let refusals = [400, 401, 403, 413, 429, 503]

  private mutating func writeIngest(_ state: Metrics.State, queuedUpdates: Int) {
    var received: [(labels: Labels, value: Double)] = []
    var dropped: [(labels: Labels, value: Double)] = []
    let outcomes = state.outcomes.sorted {
      ($0.key.project, $0.key.outcome.name) < ($1.key.project, $1.key.outcome.name)
    }
    for (key, count) in outcomes {
      let project = (name: "project", value: String(key.project.rawValue))
      if case .dropped(let reason) = key.outcome {
        dropped.append(([project, ("reason", reason.rawValue)], Double(count)))
      } else {
        received.append(([project, ("outcome", key.outcome.name)], Double(count)))
      }
    }
    family(
      "hale_ingest_items_total", .counter,
      "Items received, by project and outcome; repeated ones are counted as accepted.", received)
    family(
      "hale_sdk_dropped_sessions_total", .counter,
      "Sessions that SDKs reported as dropped before they were sent, by project and reason.",
      dropped)
    // Every usual status is present from the start, so that its first rejection is an increase.
    let statuses = Set(state.refusals.keys).union(Self.refusals).sorted()
    family(
      "hale_ingest_refused_requests_total", .counter,
      "Ingest requests that were rejected as a whole, by response status.",
      statuses.map { ([("status", String($0))], Double(state.refusals[$0] ?? 0)) })
    family(
      "hale_quota_refused_requests_total", .counter,
      "Ingest requests that were rejected because a quota of requests was used up, by project.",
      state.requestsBeyondQuota.sorted { $0.key < $1.key }.map {
        ([("project", String($0.key.rawValue))], Double($0.value))
      })
    histogram(
      "hale_ingest_duration_seconds", "Time from a complete envelope with sessions to its answer.",
      [([], state.ingestSeconds)])
    histogram(
      "hale_commit_duration_seconds",
      "Duration of a commit of a batch of updates, with the folds that it needed.",
      [([], state.commitSeconds)])
    histogram(
      "hale_commit_batch_updates", "Updates per committed batch.", [([], state.commitUpdates)])
    single(
      "hale_commit_failures_total", .counter, "Batches that failed to commit.",
      state.commitFailures)
    single("hale_ingest_queue_updates", .gauge, "Updates in the ingest queue.", queuedUpdates)
    histogram(
      "hale_fold_duration_seconds",
      "Duration of the fold of a slice of pending updates; no batch is committed meanwhile.",
      [([], state.workSeconds[.fold] ?? .seconds)])
    histogram(
      "hale_checkpoint_duration_seconds", "Duration of a WAL checkpoint.",
      [([], state.workSeconds[.checkpoint] ?? .seconds)])
    family(
      "hale_http_requests_total", .counter, "HTTP requests, by endpoint.",
      zip(Metrics.Endpoint.allCases, state.requests).map { endpoint, count in
        ([("endpoint", "\(endpoint)")], Double(count))
      })
  }

  private mutating func writeQueries(_ state: Metrics.State, queuedQueries: Int) {
    histogram(
      "hale_query_duration_seconds",
      "Duration of API queries with their time in the queue, by route.",
      state.querySeconds.sorted { $0.key < $1.key }.map { ([("route", $0.key)], $0.value) })
    single(
      "hale_query_failures_total", .counter, "API queries that the store could not answer.",
      state.queryFailures)
    family(
      "hale_query_stops_total", .counter,
      "API queries that had to end, by reason; restarted ones begin again and are answered.",
      QueryStop.allCases.map {
        ([("reason", $0.rawValue)], Double(state.queryStops[$0] ?? 0))
      })
    family(
      "hale_api_ignored_names_total", .counter,
      "Parameters and members of answered API requests that have no effect, by route.",
      state.withoutEffect.sorted { $0.key < $1.key }.map { ([("route", $0)], Double($1)) })
    family(
      "hale_authentication_failures_total", .counter,
      "Requests with a wrong API token, by what it came in.",
      Metrics.Credentials.allCases.map {
        ([("kind", $0.rawValue)], Double(state.authenticationFailures[$0] ?? 0))
      })
    single("hale_query_queue", .gauge, "Queries in the query queue.", queuedQueries)
  }

  private mutating func writeJobs(_ state: Metrics.State) {
    let jobs = state.jobs.sorted { $0.key < $1.key }
    family(
      "hale_job_last_run_timestamp_seconds", .gauge,
      "Start of the last run of each job, in seconds since 1970.",
      jobs.map { ([("job", $0)], Double($1.started.milliseconds) / 1000) })
    family(
      "hale_job_last_duration_seconds", .gauge, "Duration of the last run of each job.",
      jobs.map { ([("job", $0)], Double($1.durationMilliseconds) / 1000) })
    family(
      "hale_job_failures_total", .counter, "Failed runs of each job.",
      Jobs.names.map { ([("job", $0)], Double(state.jobFailures[$0] ?? 0)) })
  }

  /// Names the projects, which are numbers in all other metrics.
  private mutating func writeProjects(_ projects: [Project]) {
    family(
      "hale_project_info", .gauge, "The slug of each project; always 1.",
      projects.sorted { $0.id < $1.id }.map {
        ([("project", String($0.id.rawValue)), ("slug", $0.slug)], 1)
      })
  }

  private mutating func writeRates(_ rates: [RateFigures.Figure]) {
    func labels(_ figure: RateFigures.Figure) -> Labels {
      [("project", String(figure.project.rawValue)), ("measure", figure.measure)]
    }
    family(
      "hale_crash_free_ratio", .gauge,
      "Share of a project's sessions or users of the last 24 hours without a crash.",
      rates.map { (labels($0), $0.crashFree) })
    family(
      "hale_failure_free_ratio", .gauge,
      "Share of a project's sessions or users of the last 24 hours without a crash and without an "
        + "unhandled error.",
      rates.map { (labels($0), $0.failureFree) })
  }

  private mutating func writeBudgets(_ budgets: [BudgetFigures.Figure]) {
    func labels(_ figure: BudgetFigures.Figure) -> Labels {
      [
        ("project", String(figure.project.rawValue)), ("measure", figure.measure.rawValue),
        ("bad", figure.bad.rawValue),
      ]
    }
    family(
      "hale_error_budget_remaining_ratio", .gauge,
      "Remaining share of a project's error budget; below 0 when overspent.",
      budgets.compactMap { figure in figure.left.map { (labels(figure), $0) } })
    family(
      "hale_error_budget_burn_rate", .gauge,
      "Burn rate of the error budget, by window: 1 uses it up in the objective's window.",
      budgets.flatMap { figure in
        BurnWindow.allCases.compactMap { window in
          figure.burnRates[window].map { (labels(figure) + [("window", window.name)], $0) }
        }
      })
  }

  private mutating func writeAlerts(_ state: Metrics.State, _ notices: NoticeSender.Tally) {
    family(
      "hale_alert_rules", .gauge, "Alert rules by state, as of their last evaluation.",
      AlertLevel.allCases.map { ([("state", $0.name)], Double(state.alertRules[$0] ?? 0)) })
    single(
      "hale_alert_evaluations_total", .counter, "Evaluations of alert rules.",
      state.alertEvaluations)
    family(
      "hale_notice_attempts_total", .counter, "Attempts to send a notification, by outcome.",
      [
        ([("outcome", "delivered")], Double(notices.delivered)),
        ([("outcome", "failed")], Double(notices.failed)),
        ([("outcome", "given_up")], Double(notices.givenUp)),
      ])
  }

  private mutating func writeProcess(_ process: ProcessFigures) {
    family(
      "hale_build_info", .gauge, "The version of the program; always 1.",
      [([("version", process.version)], 1)])
    single("hale_http_connections", .gauge, "Open connections.", process.connections)
    single(
      "hale_http_held_bytes", .gauge, "Bytes held for unfinished requests and unread answers.",
      process.heldBytes)
    family(
      "hale_http_connections_closed_total", .counter,
      "Connections closed in favour of others, by reason.",
      process.closedConnections.map { ([("reason", $0.reason)], Double($0.count)) })
    single(
      "hale_pending_updates", .gauge,
      "Committed updates that are not folded into their sessions yet.", process.pendingUpdates)
    single(
      "hale_database_size_bytes", .gauge, "Size of the database file.", process.databaseBytes)
    single(
      "hale_database_wal_size_bytes", .gauge, "Size of the write-ahead log (WAL).",
      process.logBytes)
    family(
      "process_cpu_seconds_total", .counter, "Total user and system CPU time spent in seconds.",
      [([], process.cpuSeconds)])
    single(
      "process_resident_memory_bytes", .gauge, "Resident memory size in bytes.",
      process.residentBytes)
    single(
      "process_virtual_memory_bytes", .gauge, "Virtual memory size in bytes.",
      process.virtualBytes)
    single(
      "process_open_fds", .gauge, "Number of open file descriptors.", process.openDescriptors)
    single(
      "process_max_fds", .gauge, "Maximum number of open file descriptors.",
      process.descriptorsMax)
    family(
      "process_start_time_seconds", .gauge,
      "Start time of the process since unix epoch in seconds.", [([], process.startSeconds)])
  }

  // MARK: The format

  private mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
  }

  private mutating func family(
    _ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: Labels, value: Double)]
  ) {
    begin(name, kind, help)
    for (labels, value) in samples { sample(name, labels, value) }
  }

  private mutating func single(
    _ name: String, _ kind: Kind, _ help: String, _ value: some BinaryInteger
  ) {
    family(name, kind, help, [([], Double(value))])
  }

  private mutating func histogram(
    _ name: String, _ help: String, _ series: [(labels: Labels, histogram: Histogram)]
  ) {
    begin(name, .histogram, help)
    for (labels, histogram) in series {
      var count: Int64 = 0
      for (index, bucket) in histogram.counts.enumerated() {
        count += bucket
        let bound = index < histogram.bounds.count ? Self.number(histogram.bounds[index]) : "+Inf"
        sample(name + "_bucket", labels + [("le", bound)], Double(count))
      }
      sample(name + "_sum", labels, histogram.sum)
      sample(name + "_count", labels, Double(count))
    }
  }

  private mutating func sample(_ name: String, _ labels: Labels, _ value: Double) {
    text += name
    if !labels.isEmpty {
      text += "{" + labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
      text += "}"
    }
    text += " \(Self.number(value))\n"
  }

  /// Writes whole numbers without a fraction.
  private static func number(_ value: Double) -> String {
    Int64(exactly: value).map { String($0) } ?? String(value)
  }

  private static func escaped(_ value: String) -> String {
    value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }
}
