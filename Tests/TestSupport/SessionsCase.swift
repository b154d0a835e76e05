/// A row of a table: parameters as they stand in a URL but for percent-encoding, and what is
/// expected of them.
package struct SessionsCase<Expected: Sendable>: CustomStringConvertible, Sendable {
  package var name: String
  package var query: String
  package var expected: Expected

  package init(_ name: String, _ query: String, _ expected: Expected) {
    self.name = name
    self.query = query
    self.expected = expected
  }

  package var description: String { name }
}
