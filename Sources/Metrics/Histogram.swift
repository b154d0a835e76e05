/// A histogram in Prometheus' sense, with fixed buckets. Here each observation is counted in one
/// bucket only.
package struct Histogram: Sendable {
  /// The inclusive upper bounds in ascending order; one more bucket is above the last.
  package let bounds: [Double]
  package private(set) var counts: [Int64]
  package private(set) var sum = 0.0

  package init(bounds: [Double]) {
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count + 1)
  }

  /// Seconds, from a tenth of a millisecond to ten seconds.
  package static let seconds = Histogram(bounds: [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ])

  /// Updates, from one to more than a batch has.
  package static let updates = Histogram(bounds: [
    1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000,
  ])

  package mutating func observe(_ value: Double) {
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
    sum += value
  }

  /// Adds the observations of a histogram with the same buckets.
  package mutating func add(_ other: Histogram) {
    for index in counts.indices { counts[index] += other.counts[index] }
    sum += other.sum
  }
}
