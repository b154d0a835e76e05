/// The read buffer that all connections share.
@safe
final class ReadBuffer {
  private let storage: UnsafeMutableBufferPointer<UInt8>

  init(count: Int) {
    unsafe storage = .allocate(capacity: count)
    unsafe storage.initialize(repeating: 0)
  }

  deinit {
    unsafe storage.deallocate()
  }

  /// - Parameter bytesMax: the maximum number of bytes that are received.
  /// - Returns: the number of bytes, 0 at the end; nil if there are none yet.
  func receive(
    _ descriptor: borrowing FileDescriptor, _ bytesMax: Int, _ syscalls: Syscalls
  ) throws(SystemError) -> Int? {
    let room = unsafe UnsafeMutableBufferPointer(rebasing: storage[..<min(bytesMax, storage.count)])
    return try unsafe syscalls.receive(descriptor, into: UnsafeMutableRawBufferPointer(room))
  }

  /// Lends the first bytes.
  func withBytes<Result>(_ count: Int, _ body: (Span<UInt8>) -> Result) -> Result {
    let bytes = unsafe Span(_unsafeElements: UnsafeBufferPointer(storage))
    return body(bytes.extracting(0..<count))
  }

  func append(_ range: Range<Int>, to array: inout [UInt8]) {
    unsafe array.append(contentsOf: storage[range])
  }
}
