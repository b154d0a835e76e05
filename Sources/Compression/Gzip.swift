internal import CZlib

/// Compresses the bytes to one gzip member (RFC 1952), by default at zlib's best level.
///
/// - Returns: nil if there is not enough memory.
package func gzip(_ bytes: [UInt8], level: Int32 = 9) -> [UInt8]? {
  var stream = unsafe z_stream()
  // 15 is the largest window; adding 16 selects the gzip format.
  guard unsafe czlib_deflate_init(&stream, level, 15 + 16) == Z_OK else { return nil }
  defer { unsafe _ = deflateEnd(&stream) }
  var output = [UInt8](repeating: 0, count: Int(unsafe deflateBound(&stream, UInt(bytes.count))))
  let status = unsafe bytes.withUnsafeBufferPointer { input in
    unsafe output.withUnsafeMutableBufferPointer { room in
      // zlib declares its input as mutable but does not write to it.
      unsafe stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      unsafe stream.avail_in = UInt32(input.count)
      unsafe stream.next_out = room.baseAddress
      unsafe stream.avail_out = UInt32(room.count)
      return unsafe deflate(&stream, Z_FINISH)
    }
  }
  guard status == Z_STREAM_END else { return nil }
  output.removeLast(output.count - Int(unsafe stream.total_out))
  return output
}
