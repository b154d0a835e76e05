import FoundationEssentials
import Outbound
import ReleaseHealth

extension HTTPCall {
  /// A command's request to a service.
  init(
    _ method: String, _ url: String, headers: [(name: String, value: String)] = [],
    body: [UInt8] = [], timeoutSeconds: Int
  ) {
    self.init(
      method: method, url: url, headers: [("User-Agent", "hale/\(haleVersion)")] + headers,
      body: body, timeoutMilliseconds: timeoutSeconds * 1000)
    connectTimeoutMilliseconds = 30_000
    // No response to a command is larger.
    answerBytesMax = 16 << 20
    needsWholeAnswer = true
  }
}

extension HTTPAnswer {
  /// The body as one line of text.
  var text: String {
    String(decoding: body, as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  /// The `detail` of an error response, or else its body.
  var detail: String {
    struct ErrorBody: Decodable {
      let detail: String
    }
    let body = Data(body)
    return (try? JSONDecoder().decode(ErrorBody.self, from: body))?.detail ?? text
  }

  /// The time on the service's clock; nil in a response that has none.
  var time: Timestamp? {
    struct Clock: Decodable {
      let now: String
    }
    let clock = try? JSONDecoder().decode(Clock.self, from: Data(body))
    return clock.flatMap { Timestamp(rfc3339: $0.now) }
  }
}

extension OutboundFailure {
  /// The failure of a command's request as a sentence, with a remedy where there is one.
  var sentence: String {
    cause == .certificate
      ? "\(reason). HALE_CA_FILE sets the CA bundle." : "\(reason)."
  }
}
