package import ReleaseHealth

/// Normalized reports that are to be stored together.
package struct IngestBatch: Sendable {
  /// The series of the reports and aggregates, each once; these name theirs by its place here.
  package private(set) var series: [SeriesKey] = []
  package private(set) var reports: [SessionReport] = []
  package private(set) var aggregated: [AggregatedSessions] = []
  package var outcomes: [OutcomeKey: Int64] = [:]
  /// The parts to which quotas of sessions apply, ascending.
  package private(set) var limited: [LimitedPart] = []
  /// The time at which the batch was opened, by the service's clock: the arrival of all that is in
  /// it.
  package private(set) var receivedAt: Timestamp
  /// The places of the series, once there are more than ``seriesScannedMax``.
  private var places: [SeriesKey: Int] = [:]

  /// The number of series up to which a scan costs no more than a table.
  private static let seriesScannedMax = 4

  /// The reports and aggregates of an envelope that quotas apply to.
  package struct LimitedPart: Sendable {
    package var reports: Range<Int>
    package var aggregated: Range<Int>
    package var quotas: KeyQuotas
  }

  package init(receivedAt: Timestamp) {
    self.receivedAt = receivedAt
  }

  /// How many reports and aggregates there are.
  package var updateCount: Int { reports.count + aggregated.count }

  /// Sets the time of the arrival of all that is in the batch.
  package mutating func received(at time: Timestamp) {
    receivedAt = time
    for index in reports.indices { reports[index].receivedAt = time }
  }

  /// Has quotas apply to all that is in the batch.
  package mutating func limit(by quotas: KeyQuotas) {
    limited = [
      LimitedPart(reports: reports.indices, aggregated: aggregated.indices, quotas: quotas)
    ]
  }

  /// The batch without the reports and aggregates at some places, whose outcome is then
  /// ``RejectionReason/quota``.
  package func refusing(reports refused: Set<Int>, aggregated: Set<Int>) -> IngestBatch {
    var rest = IngestBatch(receivedAt: receivedAt)
    rest.outcomes = outcomes
    for (index, report) in reports.enumerated() {
      if refused.contains(index) {
        rest.refuse(.accepted, of: series[report.series].project)
      } else {
        rest.add(report, of: series[report.series])
      }
    }
    for (index, sessions) in self.aggregated.enumerated() {
      if aggregated.contains(index) {
        let outcome: Outcome = sessions.isItem ? .accepted : .acceptedAggregate
        rest.refuse(outcome, of: series[sessions.series].project)
      } else {
        rest.add(sessions, of: series[sessions.series])
      }
    }
    return rest
  }

  /// Turns the outcome of one item or bucket into a refusal.
  private mutating func refuse(_ outcome: Outcome, of project: ProjectID) {
    let accepted = OutcomeKey(project: project, outcome: outcome)
    if let count = outcomes[accepted] { outcomes[accepted] = count > 1 ? count - 1 : nil }
    outcomes[OutcomeKey(project: project, outcome: .rejected(.quota)), default: 0] += 1
  }

  package mutating func add(_ report: SessionReport, of series: SeriesKey) {
    add(report, at: place(of: series))
  }

  package mutating func add(_ sessions: AggregatedSessions, of series: SeriesKey) {
    add(sessions, at: place(of: series))
  }

  /// Adds all that is in another batch. It counts as received with this one.
  package mutating func merge(_ other: IngestBatch) {
    let (reportsBefore, aggregatedBefore) = (reports.count, aggregated.count)
    for part in other.limited {
      limited.append(
        LimitedPart(
          reports: part.reports.shifted(by: reportsBefore),
          aggregated: part.aggregated.shifted(by: aggregatedBefore), quotas: part.quotas))
    }
    // Most batches are of one envelope, and have one series.
    if other.series.count == 1 {
      let place = place(of: other.series[0])
      for report in other.reports { add(report, at: place) }
      for sessions in other.aggregated { add(sessions, at: place) }
    } else if !other.series.isEmpty {
      let places = other.series.map { place(of: $0) }
      for report in other.reports { add(report, at: places[report.series]) }
      for sessions in other.aggregated { add(sessions, at: places[sessions.series]) }
    }
    if !other.outcomes.isEmpty { outcomes.merge(other.outcomes, uniquingKeysWith: +) }
  }

  private mutating func add(_ report: SessionReport, at place: Int) {
    reports.append(report)
    reports[reports.count - 1].series = place
    reports[reports.count - 1].receivedAt = receivedAt
  }

  private mutating func add(_ sessions: AggregatedSessions, at place: Int) {
    aggregated.append(sessions)
    aggregated[aggregated.count - 1].series = place
  }

  private mutating func place(of series: SeriesKey) -> Int {
    if self.series.count <= Self.seriesScannedMax {
      if let place = self.series.firstIndex(of: series) { return place }
    } else if let place = places[series] {
      return place
    }
    let place = self.series.count
    self.series.append(series)
    if place == Self.seriesScannedMax {
      for (place, series) in self.series.enumerated() { places[series] = place }
    } else if place > Self.seriesScannedMax {
      places[series] = place
    }
    return place
  }
}

extension Range<Int> {
  fileprivate func shifted(by count: Int) -> Range<Int> {
    lowerBound + count..<upperBound + count
  }
}
