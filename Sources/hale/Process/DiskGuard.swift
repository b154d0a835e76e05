import Glibc
import Locks
import Storage

/// Ends a long read of a database that a service writes to, before the disk is full: the read keeps
/// the WAL from being reset, and each commit makes it longer.
final class DiskGuard: QueryLimit {
  private let path: String
  private let room: @Sendable (String) -> (free: Int64, total: Int64)?
  private let monotonicMilliseconds: @Sendable () -> Int64
  private let nextLook = Locked(Int64.min)

  private static let lookMilliseconds: Int64 = 500
  /// A WAL up to this length is as usual, and no reason to end.
  private static let usualBytes: Int64 = 64 << 20

  /// - Parameters:
  ///   - path: the database file.
  ///   - room: the free and all bytes of the disk that a path is on.
  init(
    _ path: String, room: @escaping @Sendable (String) -> (free: Int64, total: Int64)? = diskRoom,
    monotonicMilliseconds: @escaping @Sendable () -> Int64 = SystemClock.monotonicMilliseconds
  ) {
    self.path = path
    self.room = room
    self.monotonicMilliseconds = monotonicMilliseconds
  }

  func check() throws(StoreError) {
    let now = monotonicMilliseconds()
    let isDue = nextLook.withLock { next in
      if now < next { return false }
      next = now + Self.lookMilliseconds
      return true
    }
    guard isDue, let walBytes = FileIdentity(path: path + "-wal")?.size,
      walBytes > Self.usualBytes, let room = room(path), Self.isLow(room)
    else { return }
    throw .full(
      operation: "read \(path)",
      reason: "its WAL grows while this command reads and has \(walBytes >> 20) MiB, and the disk "
        + "has \(room.free >> 20) MiB left")
  }

  /// Less than a twentieth and less than 1 GiB is free.
  private static func isLow(_ room: (free: Int64, total: Int64)) -> Bool {
    room.free < min(room.total / 20, 1 << 30)
  }

  func checkWaiting() throws(StoreError) { try check() }

  func hold(_ bytes: Int) {}

  func restart() {}
}

/// The free and all bytes of the disk that a path is on.
private func diskRoom(_ path: String) -> (free: Int64, total: Int64)? {
  var status = statvfs()
  guard unsafe statvfs(path, &status) == 0 else { return nil }
  let block = Int64(status.f_frsize)
  return (Int64(clamping: status.f_bavail) * block, Int64(clamping: status.f_blocks) * block)
}
