import Bytes
import Glibc

/// The progress of a long task: a bar on a terminal, elsewhere a line for each tenth.
final class ProgressBar {
  private static let width = 30
  private static let redrawMilliseconds: Int64 = 50

  private let verb: String
  private let isTerminal = isatty(STDERR_FILENO) != 0
  private var next: Int64 = 0
  private var tenths = 0

  init(_ verb: String) {
    self.verb = verb
  }

  /// - Parameter note: the text after the bar.
  func update(_ done: Int, of total: Int, note: @autoclosure () -> String) {
    guard total > 0 else { return }
    if isTerminal {
      let now = SystemClock.monotonicMilliseconds()
      guard now >= next || done == total else { return }
      next = now + Self.redrawMilliseconds
      let full = Self.width * done / total
      let bar =
        String(repeating: "█", count: full)
        + String(repeating: "░", count: Self.width - full)
      _ = writeAll(
        "\r\(verb) \(bar) \(done * 100 / total) %  \(note().visible)\u{1b}[K", to: STDERR_FILENO)
    } else if done * 10 / total > tenths {
      tenths = done * 10 / total
      printNotice("\(verb) \(tenths * 10) %  \(note())")
    }
  }

  /// Ends the line.
  func finish() {
    if isTerminal { _ = writeAll("\r\u{1b}[K", to: STDERR_FILENO) }
  }
}

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
