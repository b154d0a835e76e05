import Service

/// A file that is read again when it changes.
struct WatchedFile: ChangingFile {
  let path: String
  private var seen: FileIdentity?
  private var isGone = false

  init(path: String) {
    self.path = path
  }

  /// - Returns: nil while the file is unchanged. A missing file throws once.
  mutating func bytesIfChanged() throws(SystemError) -> [UInt8]? {
    let identity = FileIdentity(path: path)
    if identity == nil ? isGone : identity == seen { return nil }
    isGone = identity == nil
    seen = identity
    return try readFile(path, bytesMax: 1 << 20)
  }

  /// Makes the next call read the file again, for when its contents could not be applied.
  mutating func forget() {
    seen = nil
  }
}
