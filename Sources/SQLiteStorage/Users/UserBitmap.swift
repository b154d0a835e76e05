internal import CRoaring

/// A compressed set of user ids (a roaring bitmap).
@safe
final class UserBitmap {
  private let handle: UnsafeMutablePointer<roaring_bitmap_t>

  init() {
    // CRoaring returns no bitmap only when memory is exhausted.
    guard let created = unsafe roaring_bitmap_create() else { preconditionFailure("no memory") }
    unsafe handle = created
  }

  /// - Parameter serialized: the set in roaring's portable format; the result is nil if it is
  ///   damaged.
  init?(serialized: Span<UInt8>) {
    let read = unsafe serialized.withUnsafeBytes { bytes in
      unsafe roaring_bitmap_portable_deserialize_safe(
        bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
    }
    guard let read = unsafe read else { return nil }
    unsafe handle = read
  }

  deinit {
    unsafe roaring_bitmap_free(handle)
  }

  var serialized: [UInt8] {
    unsafe roaring_bitmap_run_optimize(handle)
    let count = unsafe roaring_bitmap_portable_size_in_bytes(handle)
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { bytes, written in
      written = unsafe bytes.withMemoryRebound(to: CChar.self) {
        unsafe $0.baseAddress.map { unsafe roaring_bitmap_portable_serialize(handle, $0) } ?? 0
      }
    }
  }

  var count: Int64 { unsafe Int64(roaring_bitmap_get_cardinality(handle)) }

  /// The number of users that are not in another set.
  func count(without other: UserBitmap) -> Int64 {
    unsafe Int64(roaring_bitmap_andnot_cardinality(handle, other.handle))
  }

  func insert(_ user: UInt32) {
    unsafe roaring_bitmap_add(handle, user)
  }

  func contains(_ user: UInt32) -> Bool {
    unsafe roaring_bitmap_contains(handle, user)
  }

  func isEqual(to other: UserBitmap) -> Bool {
    unsafe roaring_bitmap_equals(handle, other.handle)
  }

  func isSubset(of other: UserBitmap) -> Bool {
    unsafe roaring_bitmap_is_subset(handle, other.handle)
  }

  func formUnion(_ other: UserBitmap) {
    unsafe roaring_bitmap_or_inplace(handle, other.handle)
  }
}
