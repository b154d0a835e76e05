import Bytes
import Envelopes
import FoundationEssentials
import ReleaseHealth
import TestSupport
import Testing

/// Compares what the scanner accepts as JSON with what Foundation's decoder accepts.
@Suite struct JSONOracleTests {
  /// Any JSON value, decoded completely.
  struct AnyJSON: Decodable {
    struct Key: CodingKey {
      var stringValue: String
      var intValue: Int? { nil }

      init(stringValue: String) {
        self.stringValue = stringValue
      }

      init?(intValue: Int) {
        nil
      }
    }

    init(from decoder: any Decoder) throws {
      if let object = try? decoder.container(keyedBy: Key.self) {
        for key in object.allKeys { _ = try object.decode(AnyJSON.self, forKey: key) }
        return
      }
      if var array = try? decoder.unkeyedContainer() {
        while !array.isAtEnd { _ = try array.decode(AnyJSON.self) }
        return
      }
      let value = try decoder.singleValueContainer()
      if value.decodeNil() || (try? value.decode(Bool.self)) != nil { return }
      if (try? value.decode(String.self)) != nil { return }
      _ = try value.decode(Double.self)
    }
  }

  static let prefix = Array(
    #"{"started":"2026-03-01T10:00:00Z","attrs":{"release":"a@1"},"x":"#.utf8)

  static func scannerAccepts(_ value: [UInt8]) -> Bool {
    let bytes = prefix + value + [UInt8(ascii: "}")]
    return (try? SessionPayload.update(bytes.span)) != nil
  }

  static func oracleAccepts(_ value: [UInt8]) -> Bool {
    let bytes = prefix + value + [UInt8(ascii: "}")]
    return (try? JSONDecoder().decode(AnyJSON.self, from: Data(bytes))) != nil
  }

  static func text(_ random: inout SplitMix64) -> String {
    let pieces = [
      "a", "sid", "é", "😀", "\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "\\ud83d\\ude00", " ", "{",
      "]",
      "\\u0000", "\u{7f}", "żółć", "0", "\\b\\f\\r\\t",
    ]
    return (0..<Int.random(in: 0..<6, using: &random))
      .map { _ in pieces.randomElement(using: &random)! }.joined()
  }

  static func value(_ random: inout SplitMix64, depth: Int) -> String {
    let space = ["", "", "", " ", "\n\t"].randomElement(using: &random)!
    switch Int.random(in: 0..<(depth > 5 ? 5 : 7), using: &random) {
    case 0: return space + ["true", "false", "null"].randomElement(using: &random)!
    case 1: return "\(Int64.random(in: -1000...1000, using: &random))" + space
    case 2: return "\(Double.random(in: -9...9, using: &random))"
    case 3:
      return ["0", "-0", "1e5", "2.5E-3", "-1.0e+1", "123456789012345678901234567890"]
        .randomElement(using: &random)!
    case 4: return space + "\"\(text(&random))\"" + space
    case 5:
      let elements = (0..<Int.random(in: 0..<4, using: &random)).map { _ in
        value(&random, depth: depth + 1)
      }
      return "[" + space + elements.joined(separator: ",") + "]"
    default:
      let members = (0..<Int.random(in: 0..<4, using: &random)).map { index in
        // Foundation keeps one of two equal keys and does not check the other's value.
        space + "\"\(text(&random))\(index)\":" + value(&random, depth: depth + 1)
      }
      return "{" + members.joined(separator: ",") + space + "}"
    }
  }

  @Test(arguments: 0..<4) func agreesOnWhatIsJSON(_ seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    for _ in 0..<150 {
      let value = Array(Self.value(&random, depth: 0).utf8)
      #expect(Self.scannerAccepts(value))
      #expect(Self.oracleAccepts(value))
      for _ in 0..<4 {
        var damaged = value
        let place = Int.random(in: 0..<damaged.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: damaged.remove(at: place)
        case 2:
          damaged.insert(
            Array("{}[]\",:\\0-.eu \u{b}".utf8).randomElement(using: &random)!, at: place)
        default: damaged.removeSubrange(place...)
        }
        let (ours, theirs) = (Self.scannerAccepts(damaged), Self.oracleAccepts(damaged))
        if ours != theirs, !Self.isKnownDifference(damaged, ours) {
          Issue.record("scanner \(ours): \(String(decoding: damaged, as: UTF8.self))")
        }
      }
    }
  }

  /// Foundation refuses numbers that no Double represents and zeros with an exponent (`0e5`), and
  /// accepts a comma before a closing bracket. The grammar of RFC 8259 differs in both.
  static func isKnownDifference(_ value: [UInt8], _ ours: Bool) -> Bool {
    let isSpace = Set(" \t\r\n".utf8)
    let dense = (value + [UInt8(ascii: "}")]).filter { !isSpace.contains($0) }
    return zip(dense, dense.dropFirst()).contains { first, second in
      ours
        ? first >= UInt8(ascii: "0") && first <= UInt8(ascii: "9")
          && second | 0x20 == UInt8(ascii: "e")
        : first == UInt8(ascii: ",") && (second == UInt8(ascii: "]") || second == UInt8(ascii: "}"))
    }
  }
}
