internal import Bytes
internal import ReleaseHealth

/// The shared parts of `session` and `sessions` items: `attrs`, users, and fields of a wrong type.

/// The faults in the `attrs` of an item.
struct AttributeFaults {
  private(set) var hasRelease = false
  private var hasWrongType = false
  private var hasWrongRelease = false
  private var hasWrongEnvironment = false

  var isFaulty: Bool { hasWrongType || hasWrongRelease || hasWrongEnvironment }

  /// Reads the release and the environment of an item. Of two `attrs` the last one counts.
  mutating func read(
    _ bytes: Span<UInt8>, _ json: inout JSONReader, _ release: inout String,
    _ environment: inout String?
  ) throws(JSONError) {
    self = AttributeFaults()
    release = ""
    environment = nil
    guard try json.enterObject(bytes) else {
      let field: JSONField<Void> = try json.otherField(bytes, 1)
      hasWrongType = field.isOther
      return
    }
    var isFirst = true
    while let key = try json.nextKey(bytes, isFirst: &isFirst) {
      switch key.withBytes(bytes, AttributeKey.init) {
      case .release:
        let field = try json.stringField(bytes, depth: 2)
        let text = field.map { $0.text(bytes) }
        release = text ?? ""
        hasRelease = text != nil
        hasWrongRelease = field.isOther
      case .environment:
        let field = try json.stringField(bytes, depth: 2)
        environment = field.map { $0.text(bytes) }
        hasWrongEnvironment = field.isOther
      case nil:
        try json.skipValue(bytes, depth: 2)
      }
    }
  }
}

private enum AttributeKey {
  case release, environment

  init?(_ name: Span<UInt8>) {
    switch true {
    case name.equals("release"): self = .release
    case name.equals("environment"): self = .environment
    default: return nil
    }
  }
}

extension SessionPayload {
  /// Whether the text is the nil UUID, with or without hyphens, which Relay treats as no user.
  static func isNilUUID(_ text: Span<UInt8>) -> Bool {
    guard text.count == 32 || text.count == 36, text[0] == UInt8(ascii: "0") else { return false }
    return sessionID(text)?.value == 0
  }
}

extension JSONField {
  @inline(__always)
  var isNull: Bool {
    if case .null = self { true } else { false }
  }

  @inline(__always)
  var isOther: Bool {
    if case .other = self { true } else { false }
  }

  @inline(__always)
  func map<Result>(_ transform: (Value) -> Result?) -> Result? {
    if case .value(let value) = self { transform(value) } else { nil }
  }
}

extension JSONField<JSONString> {
  /// The user; as in Relay, the empty string is one.
  func distinctID(_ bytes: Span<UInt8>) -> String? {
    map { $0.withBytes(bytes) { SessionPayload.isNilUUID($0) ? nil : String(copying: $0) } }
  }
}
