// What names and secrets in the catalog look like, for all who make them.

internal import Bytes

/// The names by which addresses and commands call organizations and projects.
package enum Slug {
  /// The accepted form, as the end of the sentence “it takes …”.
  package static let rule =
    "a slug: 1 to 50 lower-case letters, digits, '-' and '_', at least one of them no digit"

  /// Whether the text keeps the rule. A slug of digits alone could be mistaken for a number.
  package static func isValid(_ text: String) -> Bool {
    let hasOther = text.utf8.contains { !$0.isDigit }
    return text.utf8.allSatisfy(isAllowed) && hasOther && text.utf8.count <= 50
  }

  /// The slug nearest to a name that people gave: `Shop (iOS)` is `shop-ios`. It may break the
  /// rule, where the name has nothing that a slug can have.
  package static func made(from name: String) -> String {
    let words = name.lowercased().utf8.split { !isAllowed($0) }
    return words.compactMap { String(Substring($0)) }.joined(separator: "-")
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte.isDigit
      || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }
}

/// The names that people give to tokens.
package enum TokenName {
  package static let rule = "1 to 100 characters on one line"

  package static func isValid(_ text: String) -> Bool {
    (1...100).contains(text.utf8.count)
      && !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }
  }
}

/// New keys and tokens.
package enum NewSecret {
  /// A DSN's public key: 128 bits in hexadecimal.
  package static func publicKey(_ random: UInt128) -> String {
    Hexadecimal.text(random)
  }

  /// 192 random bits. The prefix lets a scanner for leaked secrets recognise a token.
  package static func token(_ random: (UInt128, UInt128)) -> String {
    "hale_" + channel(random)
  }

  /// The secret of a webhook's signatures: 192 random bits.
  package static func channel(_ random: (UInt128, UInt128)) -> String {
    Hexadecimal.text(random.0) + Hexadecimal.text(random.1).suffix(16)
  }
}
