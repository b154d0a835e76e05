/// The bytes are not the JSON of RFC 8259, nest too deep, or are another value than the reader needs.
package struct JSONError: Error {
  enum Reason {
    case end, more, name, colon, comma, value, control, escape, surrogate, utf8, depth
    case repeated, nul, range, type
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
    case .end: "it ends in the middle"
    case .more: "something follows the end of the JSON"
    case .name: "the name of a member is missing"
    case .colon: "':' is missing after a name"
    case .comma: "',' or a closing bracket is missing"
    case .value: "a value is missing, or is no JSON"
    case .control: "a text does not end on its line"
    case .escape: "'\\' is followed by what JSON does not know"
    case .surrogate: "half a character is escaped"
    case .utf8: "a text is not UTF-8"
    case .depth: "it nests too deep"
    case .repeated: "a member stands there twice"
    case .nul: "a text has a NUL"
    case .range: "a number is too large"
    case .type: "a value has another type"
    }
  }
}
