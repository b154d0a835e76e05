import Glibc
import ReleaseHealth

/// The progress of a long task, shown once a second on a terminal and nowhere else.
final class ProgressLine {
  private let verb: String
  private let isShown = isatty(STDERR_FILENO) != 0
  private var next = SystemClock.monotonicMilliseconds() + 1000
  private var hasShown = false

  init(_ verb: String) {
    self.verb = verb
  }

  func update(_ done: Int, _ total: Int) {
    guard isShown, total > 0 else { return }
    let now = SystemClock.monotonicMilliseconds()
    guard now >= next else { return }
    next = now + 1000
    hasShown = true
    _ = writeAll("\r\(verb) \(done * 100 / total) %", to: STDERR_FILENO)
  }

  /// Ends the line.
  func finish() {
    if hasShown { _ = writeAll("\r\u{1b}[K", to: STDERR_FILENO) }
  }
}
