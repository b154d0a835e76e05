internal import Bytes
package import HTTP

/// The reasons why members of a body are invalid, in Sentry's form: `{"field": ["reason"]}`.
package struct FieldErrors: Error {
  private(set) var reasons: [(field: String, reasons: [String])] = []

  package init() {}

  package init(_ field: String, _ reason: String) {
    add(field, reason)
  }

  package var isEmpty: Bool { reasons.isEmpty }

  package mutating func add(_ field: String, _ reason: String) {
    if let index = reasons.firstIndex(where: { $0.field == field }) {
      reasons[index].reasons.append(reason)
    } else {
      reasons.append((field, [reason]))
    }
  }

  /// The reasons of each field on a line, for a command.
  package var sentence: String {
    reasons.map { "\($0.field): \($0.reasons.joined(separator: " "))" }.joined(separator: "\n  ")
  }

  /// The answer: 400 with all reasons.
  package var response: Response {
    .json(status: 400) { json in
      json.object { json in
        for (field, reasons) in reasons { json.member(field, reasons) }
      }
    }
  }
}
