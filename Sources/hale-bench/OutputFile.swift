import ArgumentParser
import Glibc

/// A file that is written from front to end.
@safe
final class OutputFile {
  private let file: UnsafeMutablePointer<FILE>
  private(set) var bytesWritten = 0

  init(_ path: String) throws {
    guard let file = unsafe fopen(path, "w") else {
      throw ValidationError("cannot write \(path)")
    }
    unsafe self.file = file
  }

  deinit {
    unsafe fclose(file)
  }

  func write(_ bytes: [UInt8]) {
    bytesWritten += bytes.count
    _ = unsafe bytes.withUnsafeBytes { unsafe fwrite($0.baseAddress, 1, $0.count, file) }
  }
}
