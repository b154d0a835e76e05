package import Bytes

extension SplitMix64 {
  /// A generator of its own for whatever these numbers name, the same one each time.
  init(_ seed: UInt64, _ numbers: UInt64...) {
    var mixer = SplitMix64(seed: seed)
    for number in numbers {
      mixer = SplitMix64(seed: mixer.next() ^ number &* 0xd134_2543_de82_ef95)
    }
    self.init(seed: mixer.next())
  }

  /// Evenly from 0 up to, not including, 1.
  package mutating func unit() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// Evenly from 0 up to, not including, `count`.
  mutating func below(_ count: Int) -> Int {
    Int(next() % UInt64(count))
  }

  /// Around `median`, as durations are: most near it, some many times as long. The product of two
  /// ratios is about what a log-normal distribution gives, and takes no logarithm.
  mutating func spread(around median: Double) -> Double {
    var value = median
    for _ in 0..<2 { value *= (unit() + 0.15) / (unit() + 0.15) }
    return value
  }
}
