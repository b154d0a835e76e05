import ReleaseHealth
import Testing

/// The shorter forms of ISO 8601 that people write into URLs.
@Suite struct RFC3339ShortTests {
  @Test(arguments: [
    ("1970-01-01", 0),
    ("1970-01-01T00:00", 0),
    ("1970-01-01T00:00:01", 1000),
    ("1970-01-01T00:00:01Z", 1000),
    ("1970-01-01t00:00:01z", 1000),
    ("1970-01-01 00:00:01", 1000),
    ("1970-01-01T00:00:01.5", 1500),
    ("1970-01-01T00:00:01.123456789Z", 1123),
    ("1970-01-01T01:00:00+01:00", 0),
    ("1970-01-01T01:00:00+0100", 0),
    ("1970-01-01T01:00:00+01", 0),
    ("1969-12-31T18:30:00-05:30", 0),
    ("1969-12-31T23:59:59.999", -1),
    ("2000-02-29", 951_782_400_000),
    ("2024-02-29T23:59:59", 1_709_251_199_000),
    ("2026-03-15T12:34:56Z", 1_773_578_096_000),
    ("9999-12-31T23:59:59Z", 253_402_300_799_000),
    ("0001-01-01", -62_135_596_800_000),
  ])
  func reads(text: String, milliseconds: Int64) {
    #expect(RFC3339.parseShort(text) == Timestamp(milliseconds: milliseconds))
  }

  @Test(arguments: [
    "", "x", "2026", "2026-03", "2026-3-1", "2026-00-01", "2026-13-01", "2026-04-31",
    "2026-02-29", "1900-02-29", "2026-03-00", "2026-03-01T", "2026-03-01T10",
    "2026-03-01T24:00:00", "2026-03-01T10:60:00", "2026-03-01T10:00:00.",
    "2026-03-01T10:00:00+", "2026-03-01T10:00:00+1", "2026-03-01T10:00:00+24:00",
    "2026-03-01T10:00:00+01:60", "2026-03-01T10:00:00+01:", "2026-03-01T10:00:00ZZ",
    "2026-03-01T10:00:00 Z", "+026-03-01", "٢٠٢٦-03-01", "1773578096",
  ])
  func refuses(text: String) {
    #expect(RFC3339.parseShort(text) == nil)
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
    (1_773_578_096_999, "2026-03-15T12:34:56Z"), (951_782_400_000, "2000-02-29T00:00:00Z"),
  ])
  func formats(milliseconds: Int64, text: String) {
    #expect(RFC3339.format(Timestamp(milliseconds: milliseconds)) == text)
  }

  /// Every day of 800 years follows the previous one, and parses as itself.
  @Test func everyDayRoundTrips() {
    let first = RFC3339.parseShort("1600-01-01")
    var day = first?.day ?? 0
    var last = ""
    var wrong: [String] = []
    while last < "2400" {
      let instant = Timestamp(seconds: Int64(day) * 86_400)
      let text = RFC3339.format(instant)
      if text <= last || RFC3339.parseShort(text) != instant { wrong.append(text) }
      last = text
      day += 1
    }
    #expect(wrong.isEmpty)
    #expect(day - (first?.day ?? 0) == 2 * 146_097 + 1)
  }
}
