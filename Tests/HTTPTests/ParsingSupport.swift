import HTTP

/// The requests with their bodies that a connection parses from a stream of bytes, and the error
/// that ended it.
struct Outcome: Equatable, CustomStringConvertible {
  var requests: [String] = []
  var status: Int?
  /// Whether the stream ended with an incomplete request.
  var isIncomplete = false

  var description: String {
    requests.joined(separator: " | ") + (status.map { " -> \($0)" } ?? "")
      + (isIncomplete ? " ..." : "")
  }
}

/// Parses the bytes as a connection does when they arrive in these pieces.
func read(_ pieces: [[UInt8]], _ limits: HTTPLimits = HTTPLimits()) -> Outcome {
  var outcome = Outcome()
  var buffer: [UInt8] = []
  var parser = RequestParser()
  var current: (request: ParsedRequest, body: BodyDecoder, data: [UInt8])?
  do throws(HTTPError) {
    for piece in pieces {
      buffer += piece
      var isStuck = false
      while !isStuck {
        if case (let request, var body, var data)? = current {
          let range = try body.next(buffer.span, limits)
          data += buffer[range]
          if !range.isEmpty { body.consume(range.count) }
          buffer.removeFirst(range.upperBound)
          isStuck = range.isEmpty && !body.isComplete
          current = (request, body, data)
          if body.isComplete {
            outcome.requests.append(describe(request, data))
            current = nil
          }
        } else if !buffer.isEmpty, let (request, consumed) = try parser.parse(buffer.span, limits) {
          buffer.removeFirst(consumed)
          current = (request, BodyDecoder(request.framing), [])
        } else {
          isStuck = true
        }
      }
    }
  } catch {
    outcome.status = error.status
    return outcome
  }
  outcome.isIncomplete = current != nil || !buffer.isEmpty
  return outcome
}

func read(_ text: String, _ limits: HTTPLimits = HTTPLimits()) -> Outcome {
  read([Array(text.utf8)], limits)
}

private func describe(_ request: ParsedRequest, _ body: [UInt8]) -> String {
  var text = "\(request.head.method.name) \(request.head.path)"
  if let query = request.head.query { text += "?\(query)" }
  for (name, value) in request.head.headers { text += " \(name)=<\(value)>" }
  text += request.keepsAlive ? " keep" : " close"
  if request.expectsContinue { text += " expect" }
  if !body.isEmpty { text += " body=<\(String(decoding: body, as: UTF8.self))>" }
  return text
}
