import Glibc

/// Prints figures as one line of JSON, in the order given.
func printFigures(_ figures: [(name: String, value: Double)]) {
  let members = figures.map { "\"\($0.name)\":\(text($0.value))" }
  print("{" + members.joined(separator: ",") + "}")
  // Also when a command goes on after it.
  fflush(nil)
}

private func text(_ value: Double) -> String {
  if let whole = Int64(exactly: value) { return String(whole) }
  // Six digits behind the point tell more than any measure here knows.
  return String((value * 1e6).rounded() / 1e6)
}

/// Tells people at a terminal how far a long work is, once a second; nobody else.
struct ProgressLine {
  private let what: String
  private let isShown = isatty(STDERR_FILENO) != 0
  private var next = Stopwatch.monotonicMilliseconds + 1000

  init(_ what: String) {
    self.what = what
  }

  mutating func update(_ done: Int, of total: Int) {
    guard isShown, Stopwatch.monotonicMilliseconds >= next else { return }
    next += 1000
    write("\r\(what): \(done * 100 / max(total, 1)) % of \(total) ")
  }

  func finish() {
    if isShown { write("\r\u{1b}[K") }
  }

  private func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
