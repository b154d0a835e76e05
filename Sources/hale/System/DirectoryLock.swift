import Glibc

/// The right to run a service on a data directory; one process has it at a time.
///
/// It is a lock of the kernel on `hale.lock`, so it ends with its process however that ends, and
/// a file that stayed behind locks nobody out.
struct DirectoryLock: ~Copyable {
  private let file: Descriptor

  /// - Throws: where another process holds the lock, with its number if that is known.
  init(dataDirectory: String) throws {
    let path = dataDirectory + "/hale.lock"
    let file = try Descriptor(opening: path, O_RDWR | O_CREAT)
    guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else {
      guard errno == EWOULDBLOCK else { throw SystemError("lock", path) }
      let text = String(
        decoding: (try? file.read(upTo: 32, naming: path)) ?? [], as: UTF8.self)
      let holder = Int32(text.prefix { $0.isNumber }).map { " (process \($0))" } ?? ""
      throw CommandFailure.failed(
        "The directory \(dataDirectory) is in use by another hale\(holder): one at a time can run "
          + "on it.")
    }
    // The number is a help for people; the lock holds without it.
    if ftruncate(file.number, 0) == 0 { _ = writeAll("\(getpid())\n", to: file.number) }
    self.file = file
  }
}
