import Foundation

/// An open file descriptor, which is closed with its owner. It cannot be copied, so that it cannot
/// be closed twice, when the number may belong to another file.
struct FileDescriptor: ~Copyable, Sendable {
  /// The descriptor; -1 once it is closed.
  private(set) var rawValue: Int32

  /// - Parameter rawValue: an open descriptor, whose ownership passes to this value.
  init(owning rawValue: Int32) {
    self.rawValue = rawValue
  }

  /// Closes it before its owner ends.
  mutating func closeEarly() {
    if rawValue >= 0 { _ = close(rawValue) }
    rawValue = -1
  }

  deinit {
    // On Linux the descriptor is closed even after EINTR, so there is no retry.
    if rawValue >= 0 { _ = close(rawValue) }
  }
}
