internal import HTTP

/// What is wrong with the members of a body, in Sentry's form: `{"target": ["reason"]}`.
struct FieldErrors {
  private var all: [(field: String, reason: String)] = []

  var isEmpty: Bool { all.isEmpty }

  /// - Parameter reason: a sentence that says what is there and what would be right.
  mutating func add(_ field: String, _ reason: String) {
    all.append((field, reason))
  }

  /// 400.
  var response: Response {
    var json = JSONWriter()
    json.object { json in
      for (index, (field, _)) in all.enumerated()
      where !all[..<index].contains(where: { $0.field == field }) {
        json.member(field) { json in
          json.array { json in
            for error in all where error.field == field { json.value(error.reason) }
          }
        }
      }
    }
    return .json(json.bytes, status: 400)
  }
}
