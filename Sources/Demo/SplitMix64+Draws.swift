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
