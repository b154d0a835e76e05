/// Limits the memory that the content of all unfinished bodies may hold together: a kilobyte of
/// gzip is enough for a session payload of a mebibyte, and a client may leave its body unfinished.
///
/// Used on the loop thread only.
final class HeldMemory {
  private let bytesMax: Int
  private var bytesInUse = 0

  init(bytesMax: Int = 64 << 20) {
    self.bytesMax = bytesMax
  }

  /// - Parameter bytes: the number to take; negative to give some back.
  /// - Returns: false when the limit would be exceeded.
  fileprivate func take(_ bytes: Int) -> Bool {
    guard bytesInUse + bytes <= bytesMax else { return false }
    bytesInUse += bytes
    return true
  }

  fileprivate func give(_ bytes: Int) {
    bytesInUse -= bytes
  }
}

/// The share of one body in ``HeldMemory``; given back when the body is released.
struct HeldShare: ~Copyable {
  private let memory: HeldMemory
  private var bytes = 0

  /// Bytes below this number are not counted: most envelopes never exceed it, and always find room.
  /// Ten thousand connections then hold 80 MiB, less than unfinished request heads can.
  private static let freeBytes = 8 << 10

  init(of memory: HeldMemory) {
    self.memory = memory
  }

  deinit {
    memory.give(bytes)
  }

  /// Sets the number of bytes that the body holds now.
  mutating func hold(_ held: Int) throws(IngestRefusal) {
    let counted = held > Self.freeBytes ? held : 0
    if counted == bytes { return }
    guard memory.take(counted - bytes) else { throw .overloaded }
    bytes = counted
  }

  /// Gives the share back once the body is complete: what is left of it waits for the writer, which
  /// refuses nothing.
  mutating func giveBack() {
    memory.give(bytes)
    bytes = 0
  }
}
