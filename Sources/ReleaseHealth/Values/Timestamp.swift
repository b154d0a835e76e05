/// The domain of release health: what sessions, releases and users are, and how they are counted.
///
/// Invariant of this module: the same input gives the same output. It imports nothing, does no
/// input or output, reads no clock and takes no lock.

/// An instant in milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
package struct Timestamp: Hashable, Comparable, Sendable {
  package var milliseconds: Int64

  package init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  package init(seconds: Int64) {
    self.milliseconds = seconds * 1000
  }

  package init(minute: Int) {
    self.milliseconds = Int64(minute) * 60_000
  }

  /// Whole seconds since 1970, rounded down.
  package var seconds: Int64 { milliseconds.flooredDivision(by: 1000) }

  /// Minutes since 1970, rounded down: the finest resolution of counts.
  package var minute: Int { Int(milliseconds.flooredDivision(by: 60_000)) }

  /// Hours since 1970, rounded down.
  package var hour: Int { Int(milliseconds.flooredDivision(by: 3_600_000)) }

  /// Days since 1970, rounded down.
  package var day: Int { Int(milliseconds.flooredDivision(by: 86_400_000)) }

  package static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.milliseconds < right.milliseconds
  }

  /// The instant `milliseconds` later (earlier when negative).
  package func advanced(byMilliseconds milliseconds: Int64) -> Timestamp {
    Timestamp(milliseconds: self.milliseconds + milliseconds)
  }
}

extension FixedWidthInteger {
  /// Division that rounds towards negative infinity, so that instants before 1970 fall into their
  /// own bucket and not into the next.
  package func flooredDivision(by divisor: Self) -> Self {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
