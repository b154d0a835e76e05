import Compression
import Envelopes
import ReleaseHealth

/// Envelopes whole and in slices, compressed bodies, authentication. The first byte of the input
/// selects the coding and slices.
func fuzzEnvelope(_ input: [UInt8]) {
  guard let choice = input.first else { return }
  let body = Array(input.dropFirst())
  let codings: [ContentCoding] = [.identity, .gzip, .deflate, .brotli, .zstd, .identity]
  let coding = codings[Int(choice) % codings.count]
  let step = Int(choice) / codings.count + 1

  let envelope = coding == .identity ? body : decoded(body, coding, step)
  let whole = reading(envelope, step: .max)
  let sliced = reading(envelope, step: step)
  precondition(whole.items == sliced.items && whole.error == sliced.error)
  precondition(whole.items.count <= EnvelopeLimits.itemsMax + 1)

  let text = String(decoding: body, as: UTF8.self)
  _ = try? IngestAuth.find(sentryAuth: [text], authorization: [], query: nil)
  _ = try? IngestAuth.find(sentryAuth: [], authorization: [text], query: nil)
  _ = try? IngestAuth.find(sentryAuth: [], authorization: [], query: text)
  // An offset can lead out of the years of four digits, which are the only valid ones.
  let years: Range<Int64> = -62_167_219_200_000..<253_402_300_800_000
  if let timestamp = RFC3339.parse(text), years.contains(timestamp.milliseconds) {
    precondition(RFC3339.parse(RFC3339.formatMilliseconds(timestamp)) == timestamp)
  }
}

private func decoded(_ body: [UInt8], _ coding: ContentCoding, _ step: Int) -> [UInt8] {
  let limit = 1 << 13
  let decoder = ContentDecoder(coding, outputBytesMax: limit)
  var output: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: step * 7)
  var index = 0
  do {
    while true {
      let slice = body.span.extracting(index..<min(index + step, body.count))
      var span = buffer.mutableSpan
      let (consumed, produced) = try decoder.decode(slice, into: &span)
      output += buffer[..<produced]
      index += consumed
      // A next frame is left for the next call, in which it asks for its memory.
      precondition(produced == buffer.count || consumed == slice.count || consumed > 0)
      if index == body.count && produced < buffer.count { break }
    }
    try decoder.finish()
  } catch {}
  precondition(output.count <= limit)
  return output
}

private func reading(
  _ bytes: [UInt8], step: Int
) -> (items: [EnvelopeItem], error: EnvelopeError?) {
  var reader = EnvelopeReader()
  var items: [EnvelopeItem] = []
  do throws(EnvelopeError) {
    var start = 0
    while start < bytes.count {
      let slice = bytes.span.extracting(start..<start + min(step, bytes.count - start))
      var index = 0
      while let item = try reader.next(slice, &index) { items.append(item) }
      start += slice.count
    }
    if let item = try reader.finish() { items.append(item) }
  } catch {
    return (items, error)
  }
  return (items, nil)
}
