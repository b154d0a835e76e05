import Service

/// A file that is read again when it has changed.
struct WatchedFile: ChangingFile {
  let path: String
  private var seen: FileIdentity?
  private var isGone = false

  private static let bytesMax = 1 << 20

  init(path: String) {
    self.path = path
  }

  /// - Returns: nil while it is as it was read last. That it is gone is thrown once.
  mutating func bytesIfChanged() throws(SystemError) -> [UInt8]? {
    let identity = FileIdentity(path: path)
    if identity == nil ? isGone : identity == seen { return nil }
    isGone = identity == nil
    seen = identity
    return try readFile(path, bytesMax: Self.bytesMax)
  }

  /// Has the file read again though it stays as it is: nothing came of what was read.
  mutating func forget() {
    seen = nil
  }
}
