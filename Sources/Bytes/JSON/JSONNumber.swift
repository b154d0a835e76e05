/// A number with its JSON form, for series of thousands.
package enum JSONNumber: Equatable, Sendable {
  case integer(Int64)
  /// A fraction of 1, whose digits are likely to repeat within an answer; nil is written as null.
  case share(Double?)
  /// Any other number; nil is written as null.
  case decimal(Double?)
}

extension JSONWriter {
  package mutating func value(_ number: JSONNumber) {
    switch number {
    case .integer(let number): value(number)
    case .share(let number), .decimal(let number): optional(number)
    }
  }
}
