import Glibc

/// Time of the machine's, and of this process's on its cores.
struct Stopwatch {
  private let wall = Self.nanoseconds(CLOCK_MONOTONIC)
  private let processor = Self.nanoseconds(CLOCK_PROCESS_CPUTIME_ID)

  /// Since it was made.
  var seconds: Double { Double(Self.nanoseconds(CLOCK_MONOTONIC) - wall) / 1e9 }

  /// Of all threads, since it was made.
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

/// What was measured several times.
struct Sample {
  private let sorted: [Double]

  init(_ values: [Double]) {
    sorted = values.sorted()
  }

  /// - Parameter share: 0.5 for the median. The value at or above that share of all.
  func quantile(_ share: Double) -> Double {
    guard !sorted.isEmpty else { return 0 }
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  }

  /// As figures with this name in front.
  func figures(_ name: String) -> [(name: String, value: Double)] {
    [
      ("\(name)_median", quantile(0.5)), ("\(name)_min", quantile(0)), ("\(name)_max", quantile(1)),
      ("\(name)_p99", quantile(0.99)),
    ]
  }
}
