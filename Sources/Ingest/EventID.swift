/// Ids of events, as SDKs write them.
enum EventID {
  /// 32 hexadecimal digits in lower case, of a UUID with or without its hyphens; nil for anything
  /// else.
  static func normalized(_ text: String) -> String? {
    let digits = text.lowercased().filter { $0 != "-" }
    let isID =
      digits.utf8.count == 32
      && digits.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    return isID ? digits : nil
  }

  /// 32 hexadecimal digits.
  static func text(_ value: UInt128) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 32 - digits.utf8.count) + digits
  }
}
