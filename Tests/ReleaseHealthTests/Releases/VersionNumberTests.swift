import Bytes
import ReleaseHealth
import Testing

@Suite struct VersionNumberTests {
  /// The literal model: without leading zeros the longer number is higher, and of equally long ones
  /// that with the first higher digit.
  private static func isLower(_ left: String, _ right: String) -> Bool {
    let one = Array(left.drop { $0 == "0" })
    let other = Array(right.drop { $0 == "0" })
    if one.count != other.count { return one.count < other.count }
    for (digit, against) in zip(one, other) where digit != against { return digit < against }
    return false
  }

  /// Digits around the limits of 63 and 64 bits, and of any length, also with leading zeros.
  private static func digits(_ random: inout SplitMix64) -> String {
    let near = [
      "0", "1", "9223372036854775807", "9223372036854775808", "18446744073709551614",
      "18446744073709551615", "18446744073709551616", "18446744073709551617",
      "99999999999999999999", "100000000000000000000",
    ]
    let zeros = String(repeating: "0", count: Int.random(in: 0...2, using: &random))
    if Bool.random(using: &random) { return zeros + near.randomElement(using: &random)! }
    let count = Int.random(in: 1...40, using: &random)
    return zeros + (0..<count).map { _ in "\(Int.random(in: 0...9, using: &random))" }.joined()
  }

  @Test func ordersNumbersOfAnyLength() throws {
    var random = SplitMix64(seed: 5)
    for _ in 0..<20_000 {
      let (left, right) = (Self.digits(&random), Self.digits(&random))
      let one = try #require(VersionNumber(left.utf8))
      let other = try #require(VersionNumber(right.utf8))
      let (isLower, isHigher) = (Self.isLower(left, right), Self.isLower(right, left))
      #expect((one < other) == isLower, "\(left), \(right)")
      #expect((one == other) == (!isLower && !isHigher), "\(left), \(right)")
      #expect(one.value == UInt64(left), "\(left)")
      // Each part of a version follows it.
      for (part, place) in [("1.", ".1"), ("", ""), ("1.2.3.", ""), ("1.2-rc.", "")] {
        // Numbers in a prerelease have no leading zeros.
        func stripped(_ digits: String) -> String {
          part.contains("-") ? String(digits.drop { $0 == "0" }) : digits
        }
        guard !stripped(left).isEmpty, !stripped(right).isEmpty else { continue }
        let names = [left, right].map { "app@" + part + stripped($0) + place }
        // What has the length of a hash is none.
        let keys = names.map { ReleaseVersion($0) }
        guard keys.allSatisfy({ $0.version != nil }) else { continue }
        #expect((keys[0].semverKey < keys[1].semverKey) == isLower, "\(names)")
      }
      let builds = [left, right].map { ReleaseVersion("app@1.0+" + $0) }
      #expect((builds[0].semverKey < builds[1].semverKey) == isLower, "\(left), \(right)")
    }
  }

  @Test func otherTextsAreNoNumbers() {
    for text in ["", "-1", "+1", "1.0", "1a", " 1", "١"] {
      #expect(VersionNumber(text.utf8) == nil, "\(text)")
    }
  }
}
