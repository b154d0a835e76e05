/// A table row: parameters as in a URL without percent-encoding, and the expected result.
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
