internal import Bytes
internal import Hashing
internal import Outbound
internal import ReleaseHealth
internal import Storage

/// The body of Sentry's webhook for metric alerts.
enum WebhookPayload {
  /// - Parameter installation: identifies this database to the receiver.
  static func body(_ notice: Notice, installation: UInt128) -> [UInt8] {
    JSONWriter.object { json in
      json.member("action", notice.action.rawValue)
      json.object("installation") { json in json.member("uuid", uuid(installation)) }
      json.object("actor") { json in
        json.member("id", "hale")
        json.member("name", "Hale")
        json.member("type", "application")
      }
      json.object("data") { json in
        json.member("description_title", notice.title)
        json.member("description_text", notice.text)
        json.member("web_url", notice.webURL)
        json.member("metric_alert") { $0.raw(notice.subject) }
      }
    }
  }

  /// - Parameter requestID: a new id for each attempt.
  static func call(
    _ notice: Notice, to hook: (url: String, secret: String), installation: UInt128,
    requestID: UInt128, at now: Timestamp
  ) -> HTTPCall {
    let body = body(notice, installation: installation)
    return HTTPCall(
      url: hook.url,
      headers: [
        ("Content-Type", "application/json"),
        ("Sentry-Hook-Resource", "metric_alert"),
        ("Sentry-Hook-Timestamp", String(now.seconds)),
        ("Sentry-Hook-Signature", signature(of: body, secret: hook.secret)),
        ("Request-ID", Hexadecimal.text(requestID)),
        ("Idempotency-Key", notice.key),
      ], body: body)
  }

  /// HMAC-SHA256 of the body, in hexadecimal.
  static func signature(of body: [UInt8], secret: String) -> String {
    let code = HMACSHA256(key: Array(secret.utf8)).code(body.span)
    return Hexadecimal.text((0..<32).map { code[$0] })
  }

  /// A UUID of version 8 (RFC 9562), whose content is up to the vendor.
  private static func uuid(_ number: UInt128) -> String {
    let version: UInt128 = 0x8000 << 64
    let variant: UInt128 = 0x8 << 60
    let cleared = number & ~(0xf000 << 64) & ~(0xc << 60)
    let text = Array(Hexadecimal.text(cleared | version | variant).utf8)
    let parts = [text[0..<8], text[8..<12], text[12..<16], text[16..<20], text[20..<32]]
    return parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "-")
  }
}
