internal import Bytes
internal import Access
internal import HTTP
internal import ReleaseHealth

/// Remembers the access that requests have, by the bytes that decide it: target and
/// `X-Sentry-Auth`.
///
/// The devices with one version of an application send the same ones. A comparison of some hundred
/// bytes replaces routing, reading the credentials and looking the key up, which together cost more
/// than the rest of a request's head.
///
/// Only accepted requests are remembered, and only while the catalog stays the same, so that a
/// revoked key is refused at once. Used on the loop thread only.
final class KnownRequests {
  /// The result for a request.
  struct Entry {
    var kind: IngestKind
    /// The project in the path.
    var project: ProjectID?
    var access: IngestAccess
  }

  /// A class, so that reading a slot counts one reference.
  final class Slot {
    let target: [UInt8]
    let credentials: [UInt8]
    let entry: Entry

    init(target: [UInt8], credentials: [UInt8], entry: Entry) {
      self.target = target
      self.credentials = credentials
      self.entry = entry
    }
  }

  /// A request has one possible slot; another request with the same slot replaces it.
  static let slotCount = 256
  /// The limit of target and credentials together, in bytes.
  static let keyBytesMax = 512

  private(set) var slots: [Slot?] = Array(repeating: nil, count: slotCount)
  private var snapshot: CatalogSnapshot?

  func find(_ head: RequestHead, _ snapshot: CatalogSnapshot) -> Entry? {
    guard snapshot === self.snapshot, let credentials = Self.credentials(head) else { return nil }
    let target = head.headers.block.span.extracting(head.target)
    let value = head.headers.block.span.extracting(credentials)
    guard let slot = slots[Self.index(target, value)], isSame(slot.credentials, value),
      isSame(slot.target, target)
    else { return nil }
    return slot.entry
  }

  func remember(_ head: RequestHead, _ entry: Entry, _ snapshot: CatalogSnapshot) {
    if snapshot !== self.snapshot {
      self.snapshot = snapshot
      slots = Array(repeating: nil, count: Self.slotCount)
    }
    guard let credentials = Self.credentials(head),
      head.target.count + credentials.count <= Self.keyBytesMax
    else { return }
    let target = head.headers.block.span.extracting(head.target)
    let value = head.headers.block.span.extracting(credentials)
    slots[Self.index(target, value)] = Slot(
      target: Array(head.headers.block[head.target]),
      credentials: Array(head.headers.block[credentials]),
      entry: entry)
  }

  /// The range of the credentials in the block of headers; empty where the target has them. nil
  /// when other fields matter, too.
  private static func credentials(_ head: RequestHead) -> Range<Int>? {
    let sentryAuth = head.headers.find("X-Sentry-Auth")
    guard head.method == .post, !head.isControl, sentryAuth.count <= 1,
      !head.headers.contains("Authorization")
    else { return nil }
    return sentryAuth.first
  }

  /// The slot of a request. Anyone can find requests that share a slot; they only replace each
  /// other.
  private static func index(_ target: Span<UInt8>, _ credentials: Span<UInt8>) -> Int {
    let hash = hash(credentials, hash(target, 0))
    return Int(truncatingIfNeeded: (hash ^ hash >> 32) % UInt64(slotCount))
  }

  private static func hash(_ bytes: Span<UInt8>, _ seed: UInt64) -> UInt64 {
    var hash = seed ^ UInt64(bytes.count)
    var index = 0
    while index + 8 <= bytes.count {
      hash = (hash ^ bytes.word(at: index)) &* 0x9e37_79b9_7f4a_7c15
      hash ^= hash >> 29
      index += 8
    }
    while index < bytes.count {
      hash = (hash ^ UInt64(bytes[index])) &* 0x9e37_79b9_7f4a_7c15
      index += 1
    }
    return hash
  }

  private func isSame(_ left: [UInt8], _ right: Span<UInt8>) -> Bool {
    let left = left.span
    guard left.count == right.count else { return false }
    var index = 0
    while index + 8 <= left.count {
      if left.word(at: index) != right.word(at: index) { return false }
      index += 8
    }
    while index < left.count {
      if left[index] != right[index] { return false }
      index += 1
    }
    return true
  }
}
