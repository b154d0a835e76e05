/// The limits of what a project, or a DSN key, may send; nil for none.
package struct Quotas: Codable, Hashable, Sendable {
  /// The maximum number of new sessions in a minute.
  package var sessionsPerMinute: Int64?
  /// The maximum number of new sessions in a UTC day.
  package var sessionsPerDay: Int64?
  /// The maximum number of ingest requests in a minute.
  package var requestsPerMinute: Int64?

  package init(
    sessionsPerMinute: Int64? = nil, sessionsPerDay: Int64? = nil, requestsPerMinute: Int64? = nil
  ) {
    self.sessionsPerMinute = sessionsPerMinute
    self.sessionsPerDay = sessionsPerDay
    self.requestsPerMinute = requestsPerMinute
  }

  package var limitsSessions: Bool { sessionsPerMinute != nil || sessionsPerDay != nil }
}

/// The use of a limit in one window, such as a minute. In any other window nothing is used.
package struct QuotaWindow: Equatable, Sendable {
  /// The number of the window, such as minutes since 1970.
  package private(set) var number: Int
  package private(set) var used: Int64

  package init(number: Int = .min, used: Int64 = 0) {
    self.number = number
    self.used = used
  }

  /// Moves to the window of an instant. A clock that was set back begins a window anew, since one
  /// that was ahead by days would otherwise leave a quota used up for as long.
  package mutating func move(to number: Int) {
    if number != self.number { self = QuotaWindow(number: number) }
  }

  /// - Parameter limit: nil for none.
  package func hasRoom(for count: Int64, of limit: Int64?) -> Bool {
    guard let limit else { return true }
    return used <= limit && count <= limit - used
  }

  package mutating func add(_ count: Int64) {
    used = used.addingReportingOverflow(count).overflow ? .max : used + count
  }
}

/// The new sessions that were counted of a project or a key with quotas.
package struct SessionUse: Equatable, Sendable {
  package private(set) var minute: QuotaWindow
  package private(set) var day: QuotaWindow

  package init(minute: QuotaWindow = QuotaWindow(), day: QuotaWindow = QuotaWindow()) {
    self.minute = minute
    self.day = day
  }

  package mutating func move(to now: Timestamp) {
    minute.move(to: now.minute)
    day.move(to: now.day)
  }

  package func hasRoom(for count: Int64, of quotas: Quotas) -> Bool {
    minute.hasRoom(for: count, of: quotas.sessionsPerMinute)
      && day.hasRoom(for: count, of: quotas.sessionsPerDay)
  }

  package mutating func add(_ count: Int64) {
    minute.add(count)
    day.add(count)
  }
}
