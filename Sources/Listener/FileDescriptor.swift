import Foundation

/// An open descriptor of the system, closed when its owner ends. It cannot be copied, so that it
/// cannot be closed twice: by then the number may belong to somebody else.
struct FileDescriptor: ~Copyable, Sendable {
  /// -1 once it is closed.
  private(set) var rawValue: Int32

  /// - Parameter rawValue: an open descriptor that nobody else closes.
  init(owning rawValue: Int32) {
    self.rawValue = rawValue
  }

  /// Closes it before its owner ends.
  mutating func closeEarly() {
    if rawValue >= 0 { _ = close(rawValue) }
    rawValue = -1
  }

  deinit {
    // On Linux the descriptor is gone even after EINTR, so that there is nothing to try again.
    if rawValue >= 0 { _ = close(rawValue) }
  }
}
