/// A set of severities, as bits: it is tested for each number of an answer.
package struct SeveritySet: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  package init(_ severity: Severity) {
    rawValue = 1 << severity.rawValue
  }

  package init(_ severities: some Sequence<Severity>) {
    self = severities.reduce(into: []) { $0.formUnion(SeveritySet($1)) }
  }

  package static let healthy = SeveritySet(Severity.healthy)
  package static let errored = SeveritySet(Severity.errored)
  package static let unhandled = SeveritySet(Severity.unhandled)
  package static let abnormal = SeveritySet(Severity.abnormal)
  package static let crashed = SeveritySet(Severity.crashed)
  package static let all = SeveritySet(Severity.allCases)

  package var count: Int { rawValue.nonzeroBitCount }

  /// All severities that are worse than one.
  package static func worse(than severity: Severity) -> SeveritySet {
    SeveritySet(Severity.allCases.filter { $0 > severity })
  }
}

extension SessionCounts {
  package func sum(of severities: SeveritySet) -> Int64 {
    var sum: Int64 = 0
    if severities.contains(.healthy) { sum += healthy }
    if severities.contains(.errored) { sum += errored }
    if severities.contains(.unhandled) { sum += unhandled }
    if severities.contains(.abnormal) { sum += abnormal }
    if severities.contains(.crashed) { sum += crashed }
    return sum
  }
}
