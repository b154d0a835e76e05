import Dispatch
package import HTTP
internal import Locks

extension RequestHandler {
  package func begin(_ head: RequestHead, exchange: ExchangeID) -> RequestDisposition {
    var tenant: Tenant?
    return begin(head, exchange: exchange, tenant: &tenant)
  }

  /// Passes a request to the handler without a socket; its body comes in slices.
  ///
  /// - Returns: the answer, if it came at once; and the reader, if it is blocked at the body's end.
  package func take(
    _ head: RequestHead, body: [[UInt8]] = [], exchange: ExchangeID
  ) -> (response: Response?, blocked: (any BodyReader)?) {
    switch begin(head, exchange: exchange) {
    case .respond(let response): return (response, nil)
    case .pending: return (nil, nil)
    case .read(let reader):
      for slice in body {
        var rest = slice[...]
        var isAgain = true
        while !rest.isEmpty || isAgain {
          switch reader.read(Array(rest).span) {
          case .more(let consumed):
            rest = rest.dropFirst(consumed)
            isAgain = false
          case .again(let consumed):
            rest = rest.dropFirst(consumed)
            isAgain = true
          case .respond(let response): return (response, nil)
          case .blocked, .pending: preconditionFailure("not before the body's end")
          }
        }
      }
      switch reader.end() {
      case .respond(let response): return (response, nil)
      case .blocked: return (nil, reader)
      default: return (nil, nil)
      }
    }
  }
}

/// Keeps answers until they are taken.
package final class Answers: ResponseSink {
  private let answers = Locked<[ExchangeID: Response]>([:])
  private let arrived = DispatchSemaphore(value: 0)

  package init() {}

  package func respond(_ response: Response, to exchanges: [ExchangeID]) {
    answers.withLock { for exchange in exchanges { $0[exchange] = response } }
    for _ in exchanges { arrived.signal() }
  }

  package func resumeBlocked() {}

  package func wait(for exchange: ExchangeID) -> Response {
    while true {
      if let response = answers.withLock({ $0.removeValue(forKey: exchange) }) { return response }
      arrived.wait()
    }
  }
}
