/// An error in JSON text: a syntax error (RFC 8259), too deep nesting, or an unexpected value.
package struct JSONError: Error {
  enum Reason {
    case end, more, name, colon, comma, value, control, escape, surrogate, utf8, depth
    case repeated, nul, range, type, members, values, marks
  }

  let reason: Reason

  /// The value is of another type than the caller needs.
  package init() {
    reason = .type
  }

  init(_ reason: Reason) {
    self.reason = reason
  }

  /// The cause, as the end of a sentence for people.
  var text: String {
    switch reason {
    case .end: "unexpected end of the JSON"
    case .more: "unexpected text after the end of the JSON"
    case .name: "the name of a member is missing"
    case .colon: "':' is missing after a name"
    case .comma: "',' or a closing bracket is missing"
    case .value: "a value is missing or is not JSON"
    case .control: "a string does not end on its line"
    case .escape: "unknown escape sequence"
    case .surrogate: "a surrogate pair is incomplete"
    case .utf8: "a string is not UTF-8"
    case .depth: "it is nested too deep"
    case .repeated: "a member is repeated"
    case .nul: "a string contains NUL"
    case .range: "a number is too large"
    case .type: "a value has another type"
    case .marks: "a string has more than \(CombiningMarks.max) combining marks in a row"
    case .members: "an object has more than \(JSONNode.membersMax) members"
    case .values: "it has more than \(JSONNode.valuesMax) values"
    }
  }
}
