import Bytes
import Testing

struct JSONWriterTests {
  private func written(_ write: (inout JSONWriter) -> Void) -> String {
    var json = JSONWriter()
    write(&json)
    return String(decoding: json.bytes, as: UTF8.self)
  }

  @Test func setsCommasBetweenMembersAndElements() {
    let text = written {
      $0.object {
        $0.key("a")
        $0.array {
          $0.value(1)
          $0.value(true)
          $0.null()
          $0.array { _ in }
          $0.object { _ in }
          $0.value(false)
        }
        $0.key("b")
        $0.object {
          $0.key("c")
          $0.value("d")
        }
        $0.key("e")
        $0.value(Int64.min)
      }
    }
    #expect(text == #"{"a":[1,true,null,[],{},false],"b":{"c":"d"},"e":-9223372036854775808}"#)
  }

  @Test(arguments: [
    ("", #""""#),
    (#"quote " and \ backslash"#, #""quote \" and \\ backslash""#),
    ("\n\r\t", #""\n\r\t""#),
    ("\u{0}\u{8}\u{1f}\u{7f}", "\"\\u0000\\u0008\\u001f\u{7f}\""),
    ("häß 🇩🇪 / \u{2028}", "\"häß 🇩🇪 / \u{2028}\""),
  ])
  func escapesText(text: String, expected: String) {
    #expect(written { $0.value(text) } == expected)
    #expect(
      written {
        $0.object {
          $0.key(text); $0.null()
        }
      } == "{\(expected):null}")
  }

  @Test(arguments: [
    (0, "0.0"), (1, "1.0"), (0.9, "0.9"), (1.0 / 3, "0.3333333333333333"), (-0.0, "-0.0"),
    (0.00001, "1e-05"), (1e300, "1e+300"), (.nan, "null"), (.infinity, "null"),
    (-.infinity, "null"),
  ])
  func writesDoublesThatReadBack(number: Double, expected: String) {
    #expect(written { $0.value(number) } == expected)
  }

  /// A series has the same text as its numbers one by one, at any length.
  @Test func writesSeries() {
    let numbers: [JSONNumber] = [
      .integer(0), .integer(-1), .integer(9), .integer(10), .integer(.min), .integer(.max),
      .share(nil), .share(1), .share(0), .share(-0.0), .share(0.1), .share(2.0 / 3), .share(.nan),
      .decimal(-2.2250738585072014e-308), .decimal(.leastNonzeroMagnitude),
      .decimal(.infinity), .decimal(1.5e300),
    ]
    for count in 0...numbers.count {
      let series = Array(numbers.prefix(count))
      #expect(
        written {
          $0.array {
            $0.array(of: series)
            $0.value(1)
          }
        }
          == written {
            $0.array {
              $0.array { for number in series { number.write(to: &$0) } }
              $0.value(1)
            }
          })
    }
    #expect(
      written { $0.array(of: numbers) }
        == "[0,-1,9,10,-9223372036854775808,9223372036854775807,null,1.0,0.0,-0.0,0.1,"
        + "0.6666666666666666,null,-2.2250738585072014e-308,5e-324,null,1.5e+300]")
  }

  /// More fractions than the cache holds, each of them twice.
  @Test func writesFractionsThatRepeat() {
    let fractions = (2..<80).flatMap { total in (1..<total).map { Double($0) / Double(total) } }
    let text = written { $0.array(of: (fractions + fractions).map { .share($0) }) }
    #expect(Set(fractions).count > 1024)
    #expect(text == "[" + (fractions + fractions).map(\.description).joined(separator: ",") + "]")
  }
}
