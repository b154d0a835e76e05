import Glibc
import ReleaseHealth
import Locks

/// The source of the service's clock, as `--now` sets it.
enum ClockSource: Equatable, Sendable {
  /// The system's time.
  case system
  /// A clock that starts at this time and runs.
  case starting(Timestamp)
  /// The time that is written in this file.
  case file(path: String)

  /// - Returns: nil where the text is neither a time nor `@FILE`.
  init?(_ text: String) {
    if text.hasPrefix("@") {
      guard text.utf8.count > 1 else { return nil }
      self = .file(path: String(text.dropFirst()))
    } else {
      guard let time = Timestamp(rfc3339: text) else { return nil }
      self = .starting(time)
    }
  }
}

/// The service's clock, which alone reads the system's time, except for log lines.
///
/// Buckets, age limits and jobs follow it; deadlines are monotonic.
struct SystemClock: Sendable {
  /// The time now. May be called from any thread.
  let now: @Sendable () -> Timestamp
  /// Whether the time comes from a file. Periodic jobs then run only by `hale jobs run`.
  let isFile: Bool

  /// - Throws: where the source is a file without a time in it.
  init(_ source: ClockSource) throws(CommandFailure) {
    switch source {
    case .system:
      now = Self.wall
      isFile = false
    case .starting(let start):
      let origin = Self.monotonicMilliseconds()
      now = { start.advanced(byMilliseconds: Self.monotonicMilliseconds() - origin) }
      isFile = false
    case .file(let path):
      let file = try ClockFile(path: path)
      now = { file.time() }
      isFile = true
    }
  }

  /// The system's time, independent of the service's clock.
  static func wall() -> Timestamp {
    Timestamp(milliseconds: nanoseconds(of: CLOCK_REALTIME) / 1_000_000)
  }

  /// Milliseconds since an arbitrary instant, never set back.
  static func monotonicMilliseconds() -> Int64 { monotonicNanoseconds() / 1_000_000 }

  /// Nanoseconds since an arbitrary instant, never set back.
  static func monotonicNanoseconds() -> Int64 { nanoseconds(of: CLOCK_MONOTONIC) }

  private static func nanoseconds(of clock: clockid_t) -> Int64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// A file that contains a time.
///
/// Each call checks the file's identity, which takes about a microsecond, and reads the file again
/// if it changed. A request that begins after the file was replaced therefore sees the new time.
private final class ClockFile: Sendable {
  private struct State {
    var identity: FileIdentity
    var time: Timestamp
  }

  private let path: String
  private let state: Locked<State>

  init(path: String) throws(CommandFailure) {
    guard let state = Self.read(path) else {
      throw .usage(
        "--\(Setting.now.name) (\(Setting.now.variable)) is '@\(path)', but the file is unreadable "
          + "or contains no time. It takes \(Setting.now.form).")
    }
    self.path = path
    self.state = Locked(state)
  }

  func time() -> Timestamp {
    state.withLock { state in
      if FileIdentity(path: path) != state.identity { state = Self.read(path) ?? state }
      return state.time
    }
  }

  private static func read(_ path: String) -> State? {
    // O_NONBLOCK does not wait for a pipe's writer. The identity is that of the opened file,
    // because the path may be replaced before it is opened.
    guard let file = try? Descriptor(opening: path, O_RDONLY | O_NONBLOCK),
      let identity = FileIdentity(file),
      let bytes = try? file.readAll(bytesMax: 1024, naming: path),
      let time = Timestamp(rfc3339: String(decoding: bytes, as: UTF8.self))
    else { return nil }
    return State(identity: identity, time: time)
  }
}
