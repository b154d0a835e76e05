import ArgumentParser
import Glibc

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
