import Compression
import Testing

@Suite struct ContentDecoderTests {
  struct Body: Sendable, CustomTestStringConvertible {
    var name: String
    var coding: ContentCoding
    var encoded: [UInt8]
    var plain = Fixtures.plain
    /// Whether the format detects damage, or damage does not change the content.
    var hasChecksum = false

    var testDescription: String { name }
  }

  static let bodies = [
    Body(name: "gzip", coding: .gzip, encoded: Fixtures.gzip, hasChecksum: true),
    Body(name: "gzip with name", coding: .gzip, encoded: Fixtures.gzipWithName, hasChecksum: true),
    Body(name: "zlib", coding: .deflate, encoded: Fixtures.zlib, hasChecksum: true),
    Body(name: "zlib stored", coding: .deflate, encoded: Fixtures.zlibStored, hasChecksum: true),
    Body(name: "deflate", coding: .deflate, encoded: Fixtures.deflate),
    Body(name: "deflate stored", coding: .deflate, encoded: Fixtures.deflateStored),
    Body(name: "brotli", coding: .brotli, encoded: Fixtures.brotli),
    Body(name: "zstd", coding: .zstd, encoded: Fixtures.zstd, hasChecksum: true),
    Body(name: "zstd streamed", coding: .zstd, encoded: Fixtures.zstdStreamed),
    Body(name: "zstd window", coding: .zstd, encoded: Fixtures.zstdWindow23),
    Body(name: "empty gzip", coding: .gzip, encoded: Fixtures.emptyGzip, plain: []),
    Body(name: "empty zlib", coding: .deflate, encoded: Fixtures.emptyZlib, plain: []),
    Body(name: "empty deflate", coding: .deflate, encoded: Fixtures.emptyDeflate, plain: []),
    Body(name: "empty brotli", coding: .brotli, encoded: Fixtures.emptyBrotli, plain: []),
    Body(name: "empty zstd", coding: .zstd, encoded: Fixtures.emptyZstd, plain: []),
  ]

  static let series = [
    Body(name: "gzip members", coding: .gzip, encoded: Fixtures.gzipMembers),
    Body(name: "zstd frames", coding: .zstd, encoded: Fixtures.zstdFrames),
  ]

  /// Decodes in slices of at most the given number of bytes.
  static func decode(
    _ coding: ContentCoding, _ encoded: [UInt8], limit: Int = 1 << 20, inputBytes: Int = .max,
    outputBytes: Int = 4096
  ) throws(ContentDecodingError) -> [UInt8] {
    let decoder = ContentDecoder(coding, outputBytesMax: limit)
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0xaa, count: outputBytes)
    var index = 0
    while true {
      let end = index + min(inputBytes, encoded.count - index)
      let slice = encoded.span.extracting(index..<end)
      var span = buffer.mutableSpan
      let (consumed, produced) = try decoder.decode(slice, into: &span)
      output += buffer[..<produced]
      index += consumed
      precondition(output.count <= limit)
      // A next frame is left for the next call, in which it asks for its memory.
      precondition(produced == outputBytes || consumed == slice.count || consumed > 0)
      if index == encoded.count && produced < outputBytes { break }
    }
    try decoder.finish()
    return output
  }

  static func outcome(
    _ coding: ContentCoding, _ encoded: [UInt8], limit: Int = 1 << 20
  ) -> Result<[UInt8], ContentDecodingError> {
    do throws(ContentDecodingError) {
      return .success(try decode(coding, encoded, limit: limit))
    } catch {
      return .failure(error)
    }
  }

  // MARK: Decoding

  @Test(arguments: bodies + series) func slicesMakeNoDifference(_ body: Body) throws {
    #expect(try Self.decode(body.coding, body.encoded) == body.plain)
    for (inputBytes, outputBytes) in [(1, 1), (1, 4096), (.max, 1), (7, 11), (3, 65_536)] {
      #expect(
        try Self.decode(
          body.coding, body.encoded, inputBytes: inputBytes, outputBytes: outputBytes)
          == body.plain)
    }
  }

  @Test(arguments: bodies) func everyTruncationIsFound(_ body: Body) {
    for length in 0..<body.encoded.count {
      #expect(Self.outcome(body.coding, Array(body.encoded[..<length])) == .failure(.truncated))
    }
  }

  @Test(arguments: series) func aSeriesMayEndAfterAnyMember(_ body: Body) {
    var ends = 0
    for length in 0..<body.encoded.count {
      switch Self.outcome(body.coding, Array(body.encoded[..<length])) {
      case .success(let plain):
        #expect(body.plain.starts(with: plain))
        ends += 1
      case .failure(let error): #expect(error == .truncated)
      }
    }
    #expect(ends >= 2)
  }

  @Test(arguments: bodies + series) func damageNeverCrashes(_ body: Body) {
    for place in body.encoded.indices {
      for bit in 0..<8 {
        var damaged = body.encoded
        damaged[place] ^= 1 << bit
        if case .success(let plain) = Self.outcome(body.coding, damaged), body.hasChecksum {
          #expect(plain == body.plain)
        }
      }
    }
  }

  @Test(arguments: bodies) func nothingMayFollow(_ body: Body) {
    for trailing in [[0x00], [0x0a], Array("more".utf8)] as [[UInt8]] {
      switch Self.outcome(body.coding, body.encoded + trailing) {
      case .success: Issue.record("accepted")
      // So few bytes may be the start of another member or frame.
      case .failure(let error): if error != .truncated { expectMalformed(error) }
      }
    }
    if body.coding == .deflate || body.coding == .brotli {
      expectMalformed(Self.outcome(body.coding, body.encoded + body.encoded))
    } else {
      #expect(
        Self.outcome(body.coding, body.encoded + body.encoded) == .success(body.plain + body.plain))
    }
  }

  @Test func otherBytesAreRejected() {
    for coding in ContentCoding.allCases where coding != .identity {
      #expect(Self.outcome(coding, []) == .failure(.truncated))
      // An envelope without encoding, as some proxies send it.
      expectMalformed(Self.outcome(coding, Fixtures.plain))
      for other in Self.bodies where other.coding != coding && !other.plain.isEmpty {
        switch Self.outcome(coding, other.encoded) {
        case .success(let plain): #expect(plain != other.plain)
        case .failure: break
        }
      }
    }
  }

  @Test func aDecoderThatFailedKeepsFailing() {
    let decoder = ContentDecoder(.gzip, outputBytesMax: 100)
    var buffer = [UInt8](repeating: 0, count: 200)
    for input in [Fixtures.gzip, [], Fixtures.gzip] {
      #expect(throws: ContentDecodingError.tooLarge) {
        var span = buffer.mutableSpan
        _ = try decoder.decode(input.span, into: &span)
      }
      #expect(throws: ContentDecodingError.tooLarge) { try decoder.finish() }
    }
  }

  private func expectMalformed(_ outcome: Result<[UInt8], ContentDecodingError>) {
    switch outcome {
    case .success: Issue.record("accepted")
    case .failure(let error): expectMalformed(error)
    }
  }

  private func expectMalformed(_ error: ContentDecodingError) {
    guard case .malformed(let reason) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(!reason.isEmpty)
  }

  // MARK: Limits

  @Test(arguments: bodies + series) func theLimitIsExact(_ body: Body) {
    #expect(
      Self.outcome(body.coding, body.encoded, limit: body.plain.count) == .success(body.plain))
    if body.plain.isEmpty { return }
    for limit in [0, 1, body.plain.count - 1] {
      #expect(Self.outcome(body.coding, body.encoded, limit: limit) == .failure(.tooLarge))
    }
  }

  @Test(arguments: [
    Body(name: "gzip", coding: .gzip, encoded: repeated(Fixtures.mebibyteGzip)),
    // A single stream: each mebibyte ends at a byte boundary, and none is the last block.
    Body(name: "deflate", coding: .deflate, encoded: repeated(Fixtures.mebibyteDeflate)),
    Body(name: "brotli", coding: .brotli, encoded: Fixtures.bombBrotli),
    Body(name: "zstd", coding: .zstd, encoded: repeated(Fixtures.mebibyteZstd)),
  ])
  func bombsStop(_ bomb: Body) {
    let limit = 200 << 20
    let decoder = ContentDecoder(bomb.coding, outputBytesMax: limit)
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var total = 0
    var index = 0
    #expect(throws: ContentDecodingError.tooLarge) {
      while true {
        var span = buffer.mutableSpan
        let step = try decoder.decode(bomb.encoded.span.extracting(index...), into: &span)
        index += step.consumed
        total += step.produced
        if step.produced < buffer.count { break }
      }
    }
    #expect(total <= limit && total > limit - buffer.count)
  }

  /// What a decoder says that it needs is what it then holds, at most, however the body is cut.
  @Test(
    arguments: [
      Body(name: "brotli", coding: .brotli, encoded: Fixtures.bombBrotli),
      Body(name: "zstd", coding: .zstd, encoded: Fixtures.mebibyteZstd),
      Body(
        name: "zstd, a small frame first", coding: .zstd,
        encoded: [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0] + Fixtures.mebibyteZstd),
      Body(name: "gzip", coding: .gzip, encoded: gzip([UInt8](repeating: 7, count: 100_000)) ?? []),
    ], [1, 3, 7, 1 << 20])
  func holdsNoMoreThanItAsksFor(_ body: Body, step: Int) throws {
    let decoder = ContentDecoder(body.coding, outputBytesMax: 256 << 20)
    #expect(decoder.heldBytes == 0)
    var buffer = [UInt8](repeating: 0, count: 1 << 10)
    var (index, largest) = (0, 0)
    while true {
      let input = body.encoded.span.extracting(index..<min(index + step, body.encoded.count))
      let held = decoder.heldBytes
      let needed = decoder.bytesNeeded(for: input)
      var span = buffer.mutableSpan
      let (consumed, produced) = try decoder.decode(input, into: &span)
      #expect(decoder.heldBytes <= held + needed)
      largest = max(largest, decoder.heldBytes)
      index += consumed
      if index == body.encoded.count, produced < buffer.count { break }
    }
    try decoder.finish()
    #expect(largest > 30_000)
  }

  @Test(
    arguments: [
      (0x00, 16), (0x01, 17), (0x03, 18), (0x05, 19), (0x07, 20), (0x0b, 22), (0x0f, 24),
      (0x21, 10),
      (0x31, 11), (0x71, 15),
    ] as [(UInt8, Int)])
  func windowsOfBrotli(first: UInt8, log: Int) {
    let decoder = ContentDecoder(.brotli, outputBytesMax: 1)
    #expect(decoder.bytesNeeded(for: [first].span) == (1 << log) + (4 << 20))
  }

  @Test(
    arguments: [
      ([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00], 1 << 10),
      ([0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58], 1 << 21),
      ([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x59], (1 << 21) / 8 * 9),
      // Beyond the limit the library refuses it.
      ([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff], 1 << 23),
      ([0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x07], 7),
      ([0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x01, 0x00], 257),
      ([0x28, 0xb5, 0x2f, 0xfd, 0xa1, 0x09, 0x00, 0x00, 0x01, 0x00], 1 << 16),
      ([0x28, 0xb5, 0x2f, 0xfd, 0xe0] + [UInt8](repeating: 0xff, count: 8), 1 << 23),
      // Not complete, or something else.
      ([0x28, 0xb5, 0x2f], 1 << 23), ([0x50, 0x2a, 0x4d, 0x18, 0x00, 0x00], 1 << 23),
    ] as [([UInt8], Int)])
  func windowsOfZstd(header: [UInt8], bytes: Int) {
    let decoder = ContentDecoder(.zstd, outputBytesMax: 1)
    #expect(decoder.bytesNeeded(for: header.span) == bytes + (512 << 10))
  }

  /// 201 MiB of zeros.
  static func repeated(_ mebibyte: [UInt8]) -> [UInt8] {
    Array(repeating: mebibyte, count: 201).flatMap { $0 }
  }

  @Test func zstdWindowsAreLimited() {
    expectMalformed(Self.outcome(.zstd, Fixtures.zstdWindow24))
  }
}

@Suite struct ContentCodingTests {
  @Test(
    arguments: [
      ("", .identity), ("identity", .identity),
      ("Identity", .identity), ("utf-8", .identity), ("UTF-8", .identity), ("gzip", .gzip),
      ("GZip", .gzip), ("x-gzip", .gzip), ("deflate", .deflate),
      ("br", .brotli), ("zstd", .zstd), ("brotli", nil), ("compress", nil), ("gzip, br", nil),
      ("gzip,gzip", nil), ("gzip;q=1", nil), ("*", nil), ("utf8", nil),
    ] as [(String, ContentCoding?)])
  func knowsNames(_ value: String, _ coding: ContentCoding?) {
    #expect(ContentCoding(contentEncoding: value) == coding)
  }
}
