import Glibc

/// A file that is written under a name of its own and gets the one that is wanted when it is whole.
/// Whatever ends the process before, but a kill, removes it.
struct PartialFile {
  let path: String
  private let wanted: String

  /// - Throws: where the wanted name is that of something that is no file, or its directory is not
  ///   there.
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

  /// Gives the file its name, durably: what is in it first.
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

/// Removes a file if it is there.
func removeFile(_ path: String) {
  _ = unsafe unlink(path)
}

/// Gives a file another name in the same directory, also after a loss of power.
func renameDurably(_ path: String, to other: String) throws(SystemError) {
  guard unsafe rename(path, other) == 0 else { throw SystemError("rename to \(other)", path) }
  try syncDirectory(of: other)
}

/// Gives a file a second name in the same directory, also after a loss of power.
func linkDurably(_ path: String, to other: String) throws(SystemError) {
  guard unsafe link(path, other) == 0 else { throw SystemError("link to \(other)", path) }
  try syncDirectory(of: other)
}

/// Makes the names in a file's directory survive a loss of power.
private func syncDirectory(of path: String) throws(SystemError) {
  let directory = directoryPath(of: path)
  let opened = try Descriptor(opening: directory, O_RDONLY | O_DIRECTORY)
  guard fsync(opened.number) == 0 else { throw SystemError("sync", directory) }
}

/// The directory that a file is in.
func directoryPath(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// What a signal that ends the process removes.
///
/// nonisolated(unsafe) because a handler of signals can only look at a global; it is set before the
/// handler is, on the only thread of these commands.
private nonisolated(unsafe) var pathToRemove: UnsafeMutablePointer<CChar>?

private func removeAtSignals(_ path: String?) {
  unsafe pathToRemove = path.flatMap { unsafe strdup($0) }
  for number in [SIGINT, SIGTERM, SIGHUP] {
    let before = signal(number) { number in
      if let path = unsafe pathToRemove { unsafe _ = unlink(path) }
      _exit(128 + number)
    }
    // Whoever had it ignored, as nohup does, wants the work done to its end.
    if isIgnored(before) { signal(number, SIG_IGN) }
  }
}

/// Whether a handler is SIG_IGN. Swift compares no functions, so that their addresses are.
func isIgnored(_ handler: (@convention(c) (Int32) -> Void)?) -> Bool {
  unsafe unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
}
