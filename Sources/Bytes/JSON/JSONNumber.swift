/// A number with its JSON form, for series of thousands.
package enum JSONNumber: Equatable, Sendable {
  case integer(Int64)
  /// A fraction of 1, whose digits are likely to repeat within an answer; nil is written as null.
  case share(Double?)
  /// Any other number; nil is written as null.
  case decimal(Double?)
}

extension JSONNumber: JSONWritable {
  package func write(to json: inout JSONWriter) {
    switch self {
    case .integer(let number): json.value(number)
    case .share(let number), .decimal(let number): json.optional(number)
    }
  }
}
