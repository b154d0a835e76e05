import Envelopes
import Storage

/// The public keys in DSNs.
enum PublicKey {
  /// The accepted form, as the end of the sentence “it takes …”.
  static let rule = "32 hexadecimal characters"

  /// The key in lower case, as it is stored; nil where the text is not a key.
  static func normalized(_ text: String) -> String? {
    Envelopes.DSN.canonicalKey(text)
  }

  /// The normalized key of an argument; throws a usage error for any other text.
  static func checked(_ text: String) throws(CommandFailure) -> String {
    guard let key = normalized(text) else {
      throw .usage("The key is '\(text)', but it takes \(rule).")
    }
    return key
  }

  static func random() -> String { NewSecret.publicKey(.random(in: .min ... .max)) }
}

extension NewSecret {
  /// A random token of the API.
  static func token() -> String { token(random()) }

  /// A random secret of a webhook.
  static func channel() -> String { channel(random()) }

  private static func random() -> (UInt128, UInt128) {
    (.random(in: .min ... .max), .random(in: .min ... .max))
  }
}
