import Glibc

/// Wall time and CPU time of this process.
struct Stopwatch {
  private let wall = Self.nanoseconds(CLOCK_MONOTONIC)
  private let processor = Self.nanoseconds(CLOCK_PROCESS_CPUTIME_ID)

  /// The wall time since the stopwatch was created, in seconds.
  var seconds: Double { Double(Self.nanoseconds(CLOCK_MONOTONIC) - wall) / 1e9 }

  /// The CPU time of all threads since the stopwatch was created, in seconds.
  var processorSeconds: Double {
    Double(Self.nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - processor) / 1e9
  }

  static var monotonicMilliseconds: Int64 { nanoseconds(CLOCK_MONOTONIC) / 1_000_000 }

  static var wallSeconds: Int64 { nanoseconds(CLOCK_REALTIME) / 1_000_000_000 }

  private static func nanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// The values of repeated measurements.
struct Sample {
  private let sorted: [Double]

  init(_ values: [Double]) {
    sorted = values.sorted()
  }

  /// The CPU time of the work for one item, in nanoseconds, each over all items.
  @inline(__always)
  static func nanoseconds<Item>(
    of items: [Item], _ work: (Item) throws -> Void
  ) rethrows -> Sample {
    Sample(
      try (0..<25).map { _ in
        let watch = Stopwatch()
        for item in items { try work(item) }
        return watch.processorSeconds / Double(items.count) * 1e9
      })
  }

  /// The value at a quantile.
  func quantile(_ share: Double) -> Double {
    guard !sorted.isEmpty else { return 0 }
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  }

  /// Median, minimum, maximum and 99th percentile as figures with this prefix.
  func figures(_ name: String) -> [(name: String, value: Double)] {
    [
      ("\(name)_median", quantile(0.5)), ("\(name)_min", quantile(0)), ("\(name)_max", quantile(1)),
      ("\(name)_p99", quantile(0.99)),
    ]
  }
}
