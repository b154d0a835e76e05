/// A small random generator, splitmix64: the same seed gives the same numbers.
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
  /// A generator for the thing that these numbers identify.
  init(_ seed: UInt64, _ numbers: UInt64...) {
    var mixer = SplitMix(seed)
    for number in numbers { mixer = SplitMix(mixer.next() ^ number &* 0xd134_2543_de82_ef95) }
    self.init(mixer.next())
  }

  /// A number in 0..<1, uniformly.
  package mutating func unit() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// A number in 0..<`count`, uniformly.
  mutating func below(_ count: Int) -> Int {
    Int(next() % UInt64(count))
  }

  /// A duration around `median`: mostly near it, sometimes many times as long. The product of two
  /// ratios approximates a log-normal distribution without a logarithm.
  mutating func spread(around median: Double) -> Double {
    var value = median
    for _ in 0..<2 { value *= (unit() + 0.15) / (unit() + 0.15) }
    return value
  }
}
