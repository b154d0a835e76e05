/// Observations by size, as Prometheus' histograms have them: in fixed buckets, each of which counts
/// what is not above its bound.
package struct Histogram: Sendable {
  /// Ascending upper bounds; one bucket more takes what is above the last.
  package let bounds: [Double]
  package private(set) var counts: [Int64]
  package private(set) var sum = 0.0

  package init(bounds: [Double]) {
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count + 1)
  }

  /// From a tenth of a millisecond to ten seconds.
  package static let seconds = Histogram(
    bounds: [
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
      10,
    ])

  /// From a single update to more than a batch takes.
  package static let updates = Histogram(bounds: [
    1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000,
  ])

  package mutating func observe(_ value: Double) {
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
    sum += value
  }
}
