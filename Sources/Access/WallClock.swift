package import ReleaseHealth

/// The service's clock: buckets, age limits and jobs follow it. Deadlines do not.
package struct WallClock: Sendable {
  private let read: @Sendable () -> Timestamp

  package init(_ read: @escaping @Sendable () -> Timestamp) {
    self.read = read
  }

  package var now: Timestamp { read() }
}
