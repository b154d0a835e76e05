import HTTP

/// A stream of requests, which must give the same whole and in slices. The first byte of the input
/// is the size of the slices.
func fuzzHTTP(_ input: [UInt8]) {
  guard let step = input.first else { return }
  let stream = Array(input.dropFirst())
  let whole = Transcript(of: stream, step: max(stream.count, 1))
  let sliced = Transcript(of: stream, step: Int(step) + 1)
  precondition(whole == sliced)
}

/// What a server sees of a stream: heads, the bytes of bodies, and the error that ends it.
private struct Transcript: Equatable {
  private var lines: [String] = []
  private var bodies: [[UInt8]] = []
  private var error: HTTPError?

  /// Small limits, so that short inputs reach them.
  private static let limits: HTTPLimits = {
    var limits = HTTPLimits()
    limits.headBytesMax = 600
    limits.headerFieldsMax = 9
    limits.bodyBytesMax = 500
    limits.chunkLineBytesMax = 20
    limits.chunkFramingExcessBytesMax = 60
    limits.trailerBytesMax = 40
    return limits
  }()

  init(of stream: [UInt8], step: Int) {
    var parser = RequestParser()
    var body: BodyDecoder?
    var start = 0
    var end = 0
    do throws(HTTPError) {
      while true {
        let bytes = stream.span.extracting(start..<end)
        if var decoder = body, !decoder.isComplete {
          let range = try decoder.next(bytes, Self.limits)
          precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
          let data = start + range.lowerBound..<start + range.upperBound
          bodies[bodies.count - 1] += stream[data]
          if !range.isEmpty { decoder.consume(range.count) }
          body = decoder
          start += range.upperBound
          if !range.isEmpty || decoder.isComplete { continue }
          precondition(start == end, "Framing is consumed as it comes.")
        } else if let (request, consumed) = try parser.parse(bytes, Self.limits) {
          check(request, consumed)
          start += consumed
          lines.append(Self.line(request))
          bodies.append([])
          body = BodyDecoder(request.framing)
          continue
        }
        if end == stream.count { break }
        end = min(end + step, stream.count)
      }
    } catch {
      self.error = error
      precondition((400..<600).contains(error.status))
    }
    for body in bodies { precondition(body.count <= Self.limits.bodyBytesMax) }
  }

  private static func line(_ request: ParsedRequest) -> String {
    let head = request.head
    return "\(head.method) \(head.path) \(head.query ?? "-") \(request.framing) "
      + "\(request.keepsAlive) \(request.expectsContinue) \(request.isHTTP10) "
      + head.headers.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
  }

  /// What handlers and proxies in front rely on.
  private func check(_ request: ParsedRequest, _ consumed: Int) {
    let headers = request.head.headers
    precondition(consumed <= Self.limits.headBytesMax)
    precondition(headers.count <= Self.limits.headerFieldsMax)
    precondition(request.head.path.hasPrefix("/") || request.head.path == "*")
    for (name, value) in headers {
      precondition(!name.isEmpty && name.utf8.allSatisfy(isToken))
      precondition(value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 })
      precondition(value.utf8.first != 0x20 && value.utf8.last != 0x20)
    }
    precondition(headers.all("Host").count == 1 || request.isHTTP10 && !headers.contains("Host"))
    let lengths = headers.all("Content-Length")
    let codings = headers.all("Transfer-Encoding")
    switch request.framing {
    case .chunked:
      precondition(lengths.isEmpty && !codings.isEmpty && !request.isHTTP10)
      let names = codings.joined(separator: ",").split { ", \t".contains($0) }
      precondition(names.count == 1 && names[0].lowercased() == "chunked")
    case .length(let count):
      precondition((0...Self.limits.bodyBytesMax).contains(count) && codings.isEmpty)
      precondition(lengths.count <= 1 && lengths.first.map { Int($0) == count } ?? (count == 0))
      precondition(count > 0 || !request.expectsContinue)
    }
  }
}
