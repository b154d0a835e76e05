import Glibc

/// A file with a temporary name, which gets its final name when it is complete. A signal that ends
/// the process removes it; SIGKILL does not.
struct PartialFile {
  let path: String
  private let wanted: String

  /// - Throws: where the final name is not that of a plain file, or its directory is missing.
  init(for wanted: String) throws {
    let directory = directoryPath(of: wanted)
    guard !wanted.isEmpty, FileIdentity(path: directory)?.isDirectory == true else {
      throw CommandFailure.failed("There is no directory \(directory) for the file '\(wanted)'.")
    }
    self.wanted = wanted
    path = "\(wanted).part-\(getpid())"
    _ = try Descriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL)
    removeAtSignals(path)
  }

  /// Syncs the file's contents, and then gives it its final name durably.
  func finish() throws(SystemError) {
    do {
      let file = try Descriptor(opening: path, O_RDONLY)
      guard fsync(file.number) == 0 else { throw SystemError("sync", path) }
    }
    try renameDurably(path, to: wanted)
    removeAtSignals(nil)
  }

  /// Removes the file.
  func discard() {
    removeFile(path)
    removeAtSignals(nil)
  }
}

/// Removes a file if it exists.
func removeFile(_ path: String) {
  _ = unsafe unlink(path)
}

/// Renames a file within its directory; the new name survives a power loss.
func renameDurably(_ path: String, to other: String) throws(SystemError) {
  guard unsafe rename(path, other) == 0 else { throw SystemError("rename to \(other)", path) }
  try syncDirectory(of: other)
}

/// Gives a file a second name in its directory, which survives a power loss.
func linkDurably(_ path: String, to other: String) throws(SystemError) {
  guard unsafe link(path, other) == 0 else { throw SystemError("link to \(other)", path) }
  try syncDirectory(of: other)
}

/// Syncs a file's directory, so that its names survive a power loss.
private func syncDirectory(of path: String) throws(SystemError) {
  let directory = directoryPath(of: path)
  let opened = try Descriptor(opening: directory, O_RDONLY | O_DIRECTORY)
  guard fsync(opened.number) == 0 else { throw SystemError("sync", directory) }
}

/// The directory of a file.
func directoryPath(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The file that a fatal signal removes.
///
/// nonisolated(unsafe) because a signal handler can only read a global; it is set before the
/// handler, on the only thread of these commands.
private nonisolated(unsafe) var pathToRemove: UnsafeMutablePointer<CChar>?

private func removeAtSignals(_ path: String?) {
  unsafe pathToRemove = path.flatMap { unsafe strdup($0) }
  for number in [SIGINT, SIGTERM, SIGHUP] {
    let before = signal(number) { number in
      if let path = unsafe pathToRemove { unsafe _ = unlink(path) }
      _exit(128 + number)
    }
    // A signal that was ignored before, as by nohup, stays ignored.
    if isIgnored(before) { signal(number, SIG_IGN) }
  }
}

/// Whether a handler is SIG_IGN, by its address, since Swift does not compare functions.
func isIgnored(_ handler: (@convention(c) (Int32) -> Void)?) -> Bool {
  unsafe unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
}
