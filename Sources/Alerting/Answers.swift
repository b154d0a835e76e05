internal import API
internal import Bytes
internal import HTTP

extension Response {
  /// - Parameter write: writes the body.
  static func json(
    status: Int = 200, headers: Headers = [:], _ write: (inout JSONWriter) -> Void
  ) -> Response {
    .json(JSONWriter.text(write), status: status, headers: headers)
  }

  /// A list, of which `write` writes each element.
  static func list<Element>(
    _ elements: some Sequence<Element>, headers: Headers = [:],
    _ write: (inout JSONWriter, Element) -> Void
  ) -> Response {
    .json(headers: headers) { json in
      json.array { json in
        for element in elements { write(&json, element) }
      }
    }
  }
}

extension FieldErrors {
  init(_ field: String, _ reason: String) {
    self.init()
    add(field, reason)
  }
}

extension JSONWriter {
  /// The bytes that `write` writes.
  static func text(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
    var json = JSONWriter()
    write(&json)
    return json.bytes
  }

  /// The text of an object.
  static func objectText(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
    text { $0.object(members) }
  }

  /// Writes a member whose value is an object.
  mutating func object(_ name: String, _ members: (inout JSONWriter) -> Void) {
    key(name)
    object(members)
  }

  /// Writes a member whose value is an array of objects.
  mutating func objects<Element>(
    _ name: String, of elements: [Element], _ members: (inout JSONWriter, Element) -> Void
  ) {
    key(name)
    array { json in
      for element in elements { json.object { members(&$0, element) } }
    }
  }

  mutating func value(_ texts: [String]) {
    array { json in
      for text in texts { json.value(text) }
    }
  }
}
