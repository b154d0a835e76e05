import ArgumentParser
import Glibc

/// Prints figures as one line of JSON, in this order.
func printFigures(_ figures: [(name: String, value: Double)]) {
  let members = figures.map { "\"\($0.name)\":\(text($0.value))" }
  print("{" + members.joined(separator: ",") + "}")
  // A reader may wait for the line while the command continues.
  fflush(nil)
}

private func text(_ value: Double) -> String {
  if let whole = Int64(exactly: value) { return String(whole) }
  // No measurement here is more precise than six decimal places.
  return String((value * 1e6).rounded() / 1e6)
}

/// The progress of a long task, shown once a second on a terminal and nowhere else.
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

/// A file that is written sequentially.
@safe
final class OutputFile {
  private let path: String
  private let file: UnsafeMutablePointer<FILE>
  private var isOpen = true
  private(set) var bytesWritten = 0

  init(_ path: String) throws {
    guard let file = unsafe fopen(path, "w") else {
      throw ValidationError("cannot write \(path)")
    }
    self.path = path
    unsafe self.file = file
  }

  deinit {
    if isOpen { unsafe fclose(file) }
  }

  func write(_ bytes: [UInt8]) throws {
    let count = unsafe bytes.withUnsafeBytes { unsafe fwrite($0.baseAddress, 1, $0.count, file) }
    guard count == bytes.count else { throw ValidationError("\(path): \(reason())") }
    bytesWritten += count
  }

  /// Writes the rest of the buffer. Must be called at the end, because that can fail too.
  func close() throws {
    isOpen = false
    guard unsafe fclose(file) == 0 else { throw ValidationError("\(path): \(reason())") }
  }

  private func reason() -> String {
    unsafe String(cString: strerror(errno))
  }
}
