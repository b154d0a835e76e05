package import ReleaseHealth
package import Storage

/// Explanations from the raw reports: the answers that the model would have given at the end of
/// each ten minutes.
extension ReferenceStore: OutcomeStore {
  package func outcomes(
    of projects: Set<ProjectID>, hours: Range<Int>, intervalHours: Int
  ) throws(StoreError) -> [[OutcomeKey: Int64]] {
    var buckets = stride(from: hours.lowerBound, to: hours.upperBound, by: intervalHours).map { _ in
      [OutcomeKey: Int64]()
    }
    func add(_ key: OutcomeKey, _ quantity: Int64, at time: Timestamp) {
      guard hours.contains(time.hour), projects.contains(key.project) else { return }
      buckets[(time.hour - hours.lowerBound) / intervalHours][key, default: 0] += quantity
    }
    for batch in snapshot.batches {
      for (key, quantity) in batch.outcomes { add(key, quantity, at: batch.receivedAt) }
    }
    for (key, updates) in updates {
      for (index, update) in updates.enumerated() where Self.isRepeated(index, of: updates) {
        add(OutcomeKey(project: key.series.project, outcome: .repeated), 1, at: update.receivedAt)
      }
    }
    return buckets
  }

  package func history(_ query: HealthQuery) throws(StoreError) -> SessionHistory {
    var buckets = Array(repeating: SessionHistory.Bucket(), count: query.bucketCount)
    let first = Self.hour(query.minutes.lowerBound)
    let end = Self.hour(query.minutes.upperBound + 59)
    func bucket(_ hour: Int) -> Int? {
      (first..<end).contains(hour) ? (hour - first) * 60 / (query.intervalMinutes ?? 60) : nil
    }
    func counts(_ series: SeriesKey) -> Bool {
      query.projects.contains(series.project)
        && query.filter.matches(series, stage: snapshot.stage(of: series))
    }
    var late: [Int: [Timestamp: SessionCounts]] = [:]
    for (key, updates) in updates where counts(key.series) {
      for (index, _) in updates.enumerated() where Self.isRepeated(index, of: updates) {
        let fact = Self.fact(of: Array(updates[...index]), in: key.series)
        if let bucket = bucket(Self.hour(fact.minute)) { buckets[bucket].repeated += 1 }
      }
      for (step, hour, change) in Self.changes(updates, of: key.series) {
        guard let bucket = bucket(hour) else { continue }
        if Self.hour(step * 10) <= hour {
          buckets[bucket].prompt += change
        } else {
          late[bucket, default: [:]][Timestamp(minute: step * 10), default: .init()] += change
        }
      }
      let fact = Self.fact(of: updates, in: key.series)
      if let bucket = bucket(Self.hour(fact.minute)) {
        if !updates.contains(where: \.isInitial) { buckets[bucket].withoutInitial += 1 }
        if fact.minute >= query.minutes.upperBound {
          buckets[bucket].startingLater += Self.counts([fact])
        }
      }
    }
    for sessions in snapshot.batches.flatMap(\.namedAggregates) where counts(sessions.series) {
      let facts = Self.facts(of: sessions)
      guard let fact = facts.first, let bucket = bucket(Self.hour(fact.minute)) else { continue }
      buckets[bucket].aggregates += Self.counts(facts)
      if fact.minute >= query.minutes.upperBound {
        buckets[bucket].startingLater += Self.counts(facts)
      }
    }
    for (bucket, changes) in late {
      buckets[bucket].late = changes.filter { !$0.value.isZero }.sorted { $0.key < $1.key }
        .map { SessionHistory.Arrival(time: $0.key, change: $0.value) }
    }
    return SessionHistory(firstKnownHour: nil, buckets: buckets)
  }

  package func arrivals(_ query: HealthQuery, from first: Int?) throws(StoreError) -> ArrivalPage {
    let hours = Self.hour(query.minutes.lowerBound)..<Self.hour(query.minutes.upperBound + 59)
    var changes: [ArrivalChange] = []
    func add(_ series: SeriesKey, _ step: Int, _ hour: Int, _ change: SessionCounts) {
      guard query.projects.contains(series.project), hours.contains(hour), step >= first ?? step,
        query.filter.matches(series, stage: snapshot.stage(of: series))
      else { return }
      let key = query.groupKey(of: series)
      changes.append(ArrivalChange(step: step, hour: hour, key: key, change: change))
    }
    for (key, updates) in updates {
      for (step, hour, change) in Self.changes(updates, of: key.series) {
        add(key.series, step, hour, change)
      }
    }
    for batch in snapshot.batches {
      for sessions in batch.namedAggregates {
        let facts = Self.facts(of: sessions)
        guard let fact = facts.first else { continue }
        add(
          sessions.series, batch.receivedAt.step, Self.hour(fact.minute), Self.counts(facts))
      }
    }
    return ArrivalPage(changes: changes.sorted { $0.step < $1.step }, next: nil)
  }

  package func firstArrivalHour() throws(StoreError) -> Int? { nil }

  /// How the updates of a session changed the counts of a start hour, step by step. Within a step
  /// only its total is known.
  private static func changes(
    _ updates: [SessionReport], of series: SeriesKey
  ) -> [(step: Int, hour: Int, change: SessionCounts)] {
    var before: Fact?
    return Set(updates.map(\.receivedAt.step)).sorted().flatMap { step in
      let after = fact(of: updates.filter { $0.receivedAt.step <= step }, in: series)
      defer { before = after }
      return [(before, Int64(-1)), (after, 1)].compactMap { fact, sign in
        fact.map { (step, hour($0.minute), counts([$0], times: sign)) }
      }
    }
  }

  /// The updates by session, in the order of their arrival.
  private var updates: [SessionKey: [SessionReport]] {
    Dictionary(grouping: snapshot.batches.flatMap(\.named), by: \.key)
      .mapValues { $0.map(\.report) }
  }

  /// Whether an update adds nothing to those before it.
  private static func isRepeated(_ index: Int, of updates: [SessionReport]) -> Bool {
    index > 0 && said(updates[..<index]) == said(updates[...index])
  }

  /// Everything that is stored of a session.
  private static func said(_ reports: ArraySlice<SessionReport>) -> [String] {
    let nowhere = SeriesKey(project: ProjectID(rawValue: 0), release: "", environment: nil)
    let fact = fact(of: Array(reports), in: nowhere)
    let starts = reports.map(\.correctedStart.milliseconds)
    return [
      fact.status, fact.mechanism, "\(reports.contains(where: \.hasExited))",
      "\(reports.contains(where: \.isInitial))",
      "\(reports.compactMap(\.durationMilliseconds).max() ?? -1)",
      "\(fact.users.map(\.value).sorted())", "\(starts.min() ?? 0) \(starts.max() ?? 0)",
    ]
  }

  private static func counts(_ facts: [Fact], times factor: Int64 = 1) -> SessionCounts {
    func sum(_ status: String) -> Int64 {
      facts.filter { $0.status == status }.reduce(0) { $0 + $1.count } * factor
    }
    return SessionCounts(
      healthy: sum("healthy"), errored: sum("errored"), unhandled: sum("unhandled"),
      abnormal: sum("abnormal"), crashed: sum("crashed"))
  }
}

extension Timestamp {
  /// The ten minutes since 1970.
  fileprivate var step: Int { Int((Double(milliseconds) / 600_000).rounded(.down)) }
}
