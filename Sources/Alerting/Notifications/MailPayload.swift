internal import Bytes
internal import HTTP
internal import Outbound
internal import ReleaseHealth
internal import Storage

/// A notification as a mail.
enum MailPayload {
  static func mail(_ notice: Notice, from: String, to: [String], at now: Timestamp) -> Mail {
    let domain = from.split(separator: "@").last.map(String.init) ?? "hale"
    var text = notice.text + "\r\n"
    if let url = notice.webURL { text += "\r\n\(url)\r\n" }
    let headers = [
      "From: Hale <\(from)>",
      // RFC 5322 §2.1.1: at most 998 bytes a line; a fold before each address stays below.
      "To: " + to.joined(separator: ",\r\n "),
      "Subject: " + encodedWords(notice.title, after: 9),
      "Date: " + httpDate(now.seconds).replacing("GMT", with: "+0000"),
      // The id is the same at every attempt, so that mail systems drop duplicates.
      "Message-ID: <\(localPart(notice.key))@\(domain)>",
      // RFC 3834: absent recipients send no automatic reply.
      "Auto-Submitted: auto-generated",
      "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: base64",
    ]
    let head = headers.joined(separator: "\r\n") + "\r\n\r\n"
    return Mail(sender: from, recipients: to, message: Array((head + base64Lines(text)).utf8))
  }

  /// Encodes a header's text that is not plain ASCII by RFC 2047, folded so that no line has more
  /// than 76 characters.
  ///
  /// - Parameter used: the number of characters that are already on the line.
  static func encodedWords(_ text: String, after used: Int) -> String {
    let isPlain = text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
    // Text that looks like an encoded word would be decoded.
    if isPlain, text.utf8.count <= 76 - used, !text.contains("=?") { return text }
    // RFC 2047 §2: at most 75 characters a word, 12 of them its frame; §5: no character is split.
    let bytesMax = 45
    var words: [String] = []
    var word: [UInt8] = []
    func finish() {
      if !word.isEmpty { words.append("=?UTF-8?B?\(Base64.encode(word))?=") }
      word = []
    }
    for scalar in text.unicodeScalars {
      let bytes = Array(String(scalar.value < 0x20 || scalar.value == 0x7f ? " " : scalar).utf8)
      let room = words.isEmpty ? bytesMax - 6 : bytesMax
      if word.count + bytes.count > room { finish() }
      word += bytes
    }
    finish()
    return words.joined(separator: "\r\n ")
  }

  /// Encodes text by RFC 2045 §6.8 in lines of 76 characters. None can begin with a dot.
  private static func base64Lines(_ text: String) -> String {
    let encoded = Array(Base64.encode(Array(text.utf8)).utf8)
    var lines = ""
    for start in stride(from: 0, to: encoded.count, by: 76) {
      let line = encoded[start..<min(start + 76, encoded.count)]
      lines += String(decoding: line, as: UTF8.self) + "\r\n"
    }
    return lines
  }

  /// The local part of a message id from a key; characters that are not allowed become numbers.
  private static func localPart(_ key: String) -> String {
    var text = ""
    for byte in key.utf8 {
      let isPlain = byte.isAlphanumeric || byte == UInt8(ascii: "-")
      text += isPlain ? String(Unicode.Scalar(byte)) : "_\(byte)"
    }
    return text.isEmpty ? "_" : text
  }
}
