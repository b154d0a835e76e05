package import ReleaseHealth

/// Explains the numbers of a ``SessionStore``. Called from any thread; blocks.
///
/// Laws, which the tests hold against every conformer:
/// - An outcome stands in the hour in which its batch was received, and every batch that was stored
///   before a query is in its answer.
/// - The parts of a bucket add up to what ``SessionStore/health(_:)`` answers for it.
/// - A session is prompt until the hour of its start is over; every later change of its counts is
///   late, at the ten minutes in which it arrived.
/// - An update is repeated where those before it reported all that it reports.
/// - The changes of the arrival log add up to the counts, with aggregates.
package protocol OutcomeStore {
  /// The outcomes of the items that arrived in some hours (since 1970): one entry for each
  /// `intervalHours` of them, of which the last may be shorter.
  func outcomes(
    of projects: Set<ProjectID>, hours: Range<Int>, intervalHours: Int
  ) throws(StoreError) -> [[OutcomeKey: Int64]]

  /// How the counts that ``SessionStore/health(_:)`` answers came about.
  ///
  /// - Parameter query: its range begins on a full hour, its interval is a number of whole hours,
  ///   and its groups and measures do not matter.
  func history(_ query: HealthQuery) throws(StoreError) -> SessionHistory

  /// A page of the arrival log about the start hours of a query, in the order of the steps.
  ///
  /// - Parameters:
  ///   - query: of whole hours; its measures do not matter.
  ///   - step: the first of the page; nil for the first page.
  func arrivals(_ query: HealthQuery, from step: Int?) throws(StoreError) -> ArrivalPage

  /// The first hour (since 1970) from which on all is in the arrival log; nil when that holds for
  /// all that was ever counted.
  func firstArrivalHour() throws(StoreError) -> Int?
}

/// What is refused beyond.
package enum AlertLimits {
  /// The limit of an organization.
  package static let rulesMax = 200
  package static let nameBytesMax = 200
  package static let channelsMax = 20
}

/// How the counts of each bucket of a range came about.
package struct SessionHistory: Equatable, Sendable {
  /// The first hour (since 1970) from which on every change is still known; nil when that holds
  /// for all that was ever counted.
  package var firstKnownHour: Int?
  package var buckets: [Bucket]

  package init(firstKnownHour: Int?, buckets: [Bucket]) {
    self.firstKnownHour = firstKnownHour
    self.buckets = buckets
  }

  /// The counts of a bucket are `prompt`, all of `late` and `aggregates`, without `startingLater`,
  /// and with `unlogged`.
  package struct Bucket: Equatable, Sendable {
    /// Sessions with an id, as they were known at the end of the hour in which each started.
    package var prompt = SessionCounts()
    /// What arrived later about sessions with an id, ascending by arrival.
    package var late: [Arrival] = []
    /// Aggregates, and items without a session id, whenever they arrived.
    package var aggregates = SessionCounts()
    /// What the parts above have of sessions behind the end of the range, in its last hour.
    package var startingLater = SessionCounts()
    /// The counts that are not, or no longer, in the arrival log.
    package var unlogged = SessionCounts()
    /// Updates that changed nothing.
    package var repeated: Int64 = 0
    /// Sessions with an id of which no update with `init` has come, as far as the arrival log
    /// goes. They are counted as all others are.
    package var withoutInitial: Int64 = 0

    package init() {}

    package var counts: SessionCounts {
      var counts = late.reduce(into: prompt) { $0 += $1.change }
      counts += aggregates
      counts -= startingLater
      counts += unlogged
      return counts
    }
  }

  /// What arrived within some minutes.
  package struct Arrival: Equatable, Sendable {
    /// When these minutes began.
    package var time: Timestamp
    /// A late crash is one healthy session less and one crashed session more.
    package var change: SessionCounts

    package init(time: Timestamp, change: SessionCounts) {
      self.time = time
      self.change = change
    }
  }
}

/// How the counts of a start hour changed by what arrived in ten minutes.
package struct ArrivalChange: Equatable, Sendable {
  /// 10-minute steps since 1970.
  package var step: Int
  package var hour: Int
  package var key: GroupKey
  package var change: SessionCounts

  package init(step: Int, hour: Int, key: GroupKey, change: SessionCounts) {
    self.step = step
    self.hour = hour
    self.key = key
    self.change = change
  }
}

/// A page of the arrival log: whole steps, with some ten thousand changes.
package struct ArrivalPage: Equatable, Sendable {
  package var changes: [ArrivalChange]
  /// The step that the next page begins with; nil on the last.
  package var next: Int?

  package init(changes: [ArrivalChange], next: Int?) {
    self.changes = changes
    self.next = next
  }
}
