import Glibc

/// Makes a file that must not be there yet; only its owner may read it.
func createFile(_ path: String) throws(SystemError) {
  _ = try Descriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL)
}

/// Removes a file if it is there.
func removeFile(_ path: String) {
  _ = unsafe unlink(path)
}

/// Gives a file another name, in the same directory, so that it has it after a loss of power, too.
func renameDurably(_ path: String, to other: String) throws(SystemError) {
  guard unsafe rename(path, other) == 0 else { throw SystemError("rename to \(other)", path) }
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
