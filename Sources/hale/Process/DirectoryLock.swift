import Glibc

/// The right to run a service on a data directory; one process has it at a time.
///
/// It is a lock of the kernel on `hale.lock`, so it ends with its process however that ends, and
/// a file that stayed behind locks nobody out.
struct DirectoryLock: ~Copyable {
  private let file: Descriptor

  /// What a process holds the lock for.
  enum Purpose: String {
    case service
    /// A job on the directory: it ends soon, and who wants the lock waits for it.
    case job
  }

  /// - Throws: where another process holds the lock, with its number if that is known.
  init(dataDirectory: String, for purpose: Purpose) throws {
    let path = dataDirectory + "/hale.lock"
    let file = try Descriptor(opening: path, O_RDWR | O_CREAT)
    var isTaken = flock(file.number, LOCK_EX | LOCK_NB) == 0
    if !isTaken {
      guard errno == EWOULDBLOCK else { throw SystemError("lock", path) }
      let text = String(
        decoding: (try? file.read(upTo: 32, naming: path)) ?? [], as: UTF8.self)
      if text.hasSuffix(" \(Purpose.job.rawValue)\n") {
        printNotice("Waiting for the job that runs on \(dataDirectory).")
        repeat { isTaken = flock(file.number, LOCK_EX) == 0 } while !isTaken && errno == EINTR
        guard isTaken else { throw SystemError("lock", path) }
      }
      guard isTaken else {
        let holder = Int32(text.prefix { $0.isNumber }).map { " (process \($0))" } ?? ""
        throw CommandFailure.failed(
          "The directory \(dataDirectory) is in use by another hale\(holder): one at a time can "
            + "run on it.")
      }
    }
    // The number is a help for people; the lock holds without it.
    if ftruncate(file.number, 0) == 0 {
      _ = writeAll("\(getpid()) \(purpose.rawValue)\n", to: file.number)
    }
    self.file = file
  }
}
