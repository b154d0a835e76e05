import Glibc

/// A file descriptor that closes with its owner.
struct Descriptor: ~Copyable {
  let number: Int32

  deinit {
    close(number)
  }

  /// Reads up to `count` bytes; none at the end.
  func read(upTo count: Int, naming subject: String) throws(SystemError) -> [UInt8] {
    while true {
      var result = 0
      let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
        result = unsafe Glibc.read(number, buffer.baseAddress, count)
        length = max(result, 0)
      }
      if result >= 0 { return bytes }
      if errno != EINTR { throw SystemError("read", subject) }
    }
  }
}

/// The contents of a file.
///
/// - Parameter path: the file, or `-` for standard input.
/// - Throws: also where the file is larger than the limit.
func readFile(_ path: String, bytesMax: Int) throws(SystemError) -> [UInt8] {
  let isStandardInput = path == "-"
  let file =
    isStandardInput
    ? Descriptor(number: dup(STDIN_FILENO)) : try Descriptor(opening: path, O_RDONLY)
  return try file.readAll(bytesMax: bytesMax, naming: isStandardInput ? "standard input" : path)
}

extension Descriptor {
  /// Opens a file; never inherited by a child process.
  init(opening path: String, _ flags: Int32) throws(SystemError) {
    let number = unsafe open(path, flags | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw SystemError("open", path) }
    self.init(number: number)
  }

  func readAll(bytesMax: Int, naming subject: String) throws(SystemError) -> [UInt8] {
    var all: [UInt8] = []
    while true {
      let bytes = try read(upTo: 1 << 16, naming: subject)
      if bytes.isEmpty { return all }
      all += bytes
      guard all.count <= bytesMax else { throw SystemError("read", subject, number: EFBIG) }
    }
  }
}

/// Whether a directory entry is a plain file and no link; nil where there is no entry.
func isPlainFile(_ path: String) -> Bool? {
  var status = stat()
  guard unsafe lstat(path, &status) == 0 else { return nil }
  return status.st_mode & S_IFMT == S_IFREG
}

/// The identity and size of a file, read without opening it.
struct FileIdentity: Equatable, Sendable {
  private let device: UInt64
  private let inode: UInt64
  let size: Int64
  private let modified: Int64
  private let changed: Int64
  let isDirectory: Bool

  /// - Returns: nil where there is no such file, or it is not accessible.
  init?(path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  init?(_ file: borrowing Descriptor) {
    var status = stat()
    guard unsafe fstat(file.number, &status) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
    isDirectory = status.st_mode & S_IFMT == S_IFDIR
  }
}

/// Creates a directory with its parents where it is missing, readable by Hale's user alone.
func createDirectory(_ path: String) throws(SystemError) {
  if let identity = FileIdentity(path: path) {
    guard identity.isDirectory else {
      throw SystemError("create directory", path, number: ENOTDIR)
    }
    return
  }
  if let slash = path.dropLast().lastIndex(of: "/"), slash != path.startIndex {
    try createDirectory(String(path[..<slash]))
  }
  guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
    throw SystemError("create directory", path)
  }
}
