/// The public keys that DSNs carry.
enum PublicKey {
  /// The accepted form, as the end of the sentence “it takes …”.
  static let rule = "32 hexadecimal characters"

  /// The key in lower case, as it is stored; nil where it is none.
  static func normalized(_ text: String) -> String? {
    let isKey = text.utf8.count == 32 && text.utf8.allSatisfy(\.isHexDigit)
    return isKey ? text.lowercased() : nil
  }

  static func random() -> String { randomHex(bytes: 16) }
}

/// The tokens that the API takes.
enum BearerToken {
  /// 192 random bits. The prefix lets a scanner for leaked secrets recognise one.
  static func random() -> String { "hale_" + randomHex(bytes: 24) }
}

private func randomHex(bytes: Int) -> String {
  var generator = SystemRandomNumberGenerator()
  let digits = Array("0123456789abcdef")
  var text = ""
  for _ in 0..<bytes * 2 { text.append(digits[Int.random(in: 0..<16, using: &generator)]) }
  return text
}
