import Glibc

/// The lock of a data directory, which one process holds at a time.
///
/// It is a kernel lock on `hale.lock`, so that it ends with its process, and the file that remains
/// locks nobody out.
struct DirectoryLock: ~Copyable {
  private let file: Descriptor

  /// The purpose of holding the lock.
  enum Purpose: String {
    case service
    /// A command on the directory: it ends soon, and others wait for it.
    case job
  }

  /// - Throws: where a service holds the lock; the message has its process id if known.
  init(dataDirectory: String, for purpose: Purpose) throws {
    let path = dataDirectory + "/hale.lock"
    let file = try Descriptor(opening: path, O_RDWR | O_CREAT)
    var isTaken = flock(file.number, LOCK_EX | LOCK_NB) == 0
    if !isTaken {
      guard errno == EWOULDBLOCK else { throw SystemError("lock", path) }
      let text = String(
        decoding: (try? file.read(upTo: 32, naming: path)) ?? [], as: UTF8.self)
      if text.hasSuffix(" \(Purpose.job.rawValue)\n") {
        printNotice("Waiting for the command that runs on \(dataDirectory).")
        repeat { isTaken = flock(file.number, LOCK_EX) == 0 } while !isTaken && errno == EINTR
        guard isTaken else { throw SystemError("lock", path) }
      }
      guard isTaken else {
        let holder = Int32(text.prefix { $0.isNumber }).map { " (process \($0))" } ?? ""
        throw CommandFailure.failed(
          "The directory \(dataDirectory) is in use by another hale\(holder). Only one can run on "
            + "it at a time.")
      }
    }
    // The process id is information for people; the lock works without it.
    if ftruncate(file.number, 0) == 0 {
      _ = writeAll("\(getpid()) \(purpose.rawValue)\n", to: file.number)
    }
    self.file = file
  }
}
