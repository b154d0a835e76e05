import Envelopes
import Storage

/// The public keys that DSNs carry.
enum PublicKey {
  /// The accepted form, as the end of the sentence “it takes …”.
  static let rule = "32 hexadecimal characters"

  /// The key in lower case, as it is stored; nil where it is none.
  static func normalized(_ text: String) -> String? {
    Envelopes.DSN.canonicalKey(text)
  }

  static func random() -> String { NewSecret.publicKey(.random(in: .min ... .max)) }
}

/// The tokens that the API takes.
enum BearerToken {
  static func random() -> String {
    NewSecret.token((.random(in: .min ... .max), .random(in: .min ... .max)))
  }
}
