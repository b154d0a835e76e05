/// What all bodies that are being read may hold together of what stands in them, until they are
/// whole: a kilobyte of gzip is enough for a session's payload of a mebibyte, and a client may
/// leave its body unended.
///
/// Used on the loop thread only.
final class HeldMemory {
  private let bytesMax: Int
  private var bytesInUse = 0

  init(bytesMax: Int = 64 << 20) {
    self.bytesMax = bytesMax
  }

  /// - Parameter bytes: less than zero to give some back.
  /// - Returns: false when there is no room for so much more.
  fileprivate func take(_ bytes: Int) -> Bool {
    guard bytesInUse + bytes <= bytesMax else { return false }
    bytesInUse += bytes
    return true
  }

  fileprivate func give(_ bytes: Int) {
    bytesInUse -= bytes
  }
}

/// The part of one body in ``HeldMemory``; given back when the body is let go.
struct HeldShare: ~Copyable {
  private let memory: HeldMemory
  private var bytes = 0

  /// Up to here nothing is counted: most envelopes never come to it, and find room whatever the
  /// others hold. Ten thousand connections hold 80 MiB so, less than of heads that do not end.
  private static let freeBytes = 8 << 10

  init(of memory: HeldMemory) {
    self.memory = memory
  }

  deinit {
    memory.give(bytes)
  }

  /// Says how much the body holds by now.
  mutating func hold(_ held: Int) throws(IngestRefusal) {
    let counted = held > Self.freeBytes ? held : 0
    if counted == bytes { return }
    guard memory.take(counted - bytes) else { throw .overloaded }
    bytes = counted
  }

  /// The body is whole: what waits of it now waits for the writer, which refuses nothing.
  mutating func giveBack() {
    memory.give(bytes)
    bytes = 0
  }
}
