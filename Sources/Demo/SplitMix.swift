/// A small generator of random numbers that repeats itself for the same seed (splitmix64).
package struct SplitMix: Sendable {
  private var state: UInt64

  package init(_ seed: UInt64) {
    state = seed
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

extension SplitMix {
  /// A generator of its own for whatever these numbers name, the same one each time.
  init(_ seed: UInt64, _ numbers: UInt64...) {
    var mixer = SplitMix(seed)
    for number in numbers { mixer = SplitMix(mixer.next() ^ number &* 0xd134_2543_de82_ef95) }
    self.init(mixer.next())
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
