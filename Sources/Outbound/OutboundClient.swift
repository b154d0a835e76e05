internal import Bytes
internal import CCurl
internal import Glibc

/// The mail server of the settings.
package struct MailServer: Equatable, Sendable {
  /// The scheme: `smtp`, or `smtps` for TLS from the start.
  package var scheme: String
  /// The host without brackets.
  package var host: String
  /// The port; nil for the scheme's default.
  package var port: Int?
  package var user: String?
  package var password: String?
  /// Whether the connection must be encrypted, by STARTTLS for `smtp`.
  package var requiresTLS: Bool

  package init(
    scheme: String, host: String, port: Int?, user: String? = nil, password: String? = nil,
    requiresTLS: Bool = true
  ) {
    self.scheme = scheme
    self.host = host
    self.port = port
    self.user = user
    self.password = password
    self.requiresTLS = requiresTLS
  }
}

/// A mail to deliver.
package struct Mail: Sendable {
  /// The bare address, without a name.
  package var sender: String
  package var recipients: [String]
  /// The message (RFC 5322), with CRLF between lines.
  package var message: [UInt8]

  package init(sender: String, recipients: [String], message: [UInt8]) {
    self.sender = sender
    self.recipients = recipients
    self.message = message
  }
}

/// The reason why something was not sent.
package struct OutboundFailure: Error, Equatable, Sendable {
  /// The causes that callers distinguish.
  package enum Cause: Equatable, Sendable {
    /// No connection was made, with the system's error number.
    case unreachable(Int32)
    /// The server's certificate cannot be verified.
    case certificate
    case other
  }

  /// The reason as a text with the host's name.
  package var reason: String
  /// Whether a retry would fail in the same way.
  package var isPermanent: Bool
  package var cause: Cause

  package init(_ reason: String, isPermanent: Bool = false, cause: Cause = .other) {
    self.reason = reason
    self.isPermanent = isPermanent
    self.cause = cause
  }

  /// - Parameter number: the system's error number.
  init(unreachable name: String, number: Int32) {
    self.init("cannot connect to \(name): \(errorText(number))", cause: .unreachable(number))
  }
}

/// Sends HTTP requests and mail, and runs programs, within an address policy.
package struct OutboundClient: Sendable {
  private let addresses: AddressPolicy
  /// The path of the CA bundle; nil for the system's.
  private let caFile: String?

  package init(addresses: AddressPolicy, caFile: String? = nil) {
    self.addresses = addresses
    self.caFile = caFile
  }

  /// Makes a request. Redirects are not followed.
  package func send(_ call: HTTPCall) throws(OutboundFailure) -> HTTPAnswer {
    try HTTPClient(addresses: addresses, caFile: caFile).send(call)
  }

  /// Sends a mail. It fails unless the server accepts all recipients.
  package func send(_ mail: Mail, by server: MailServer) throws(OutboundFailure) {
    let host = server.host.contains(":") ? "[\(server.host)]" : server.host
    let port = server.port.map { ":\($0)" } ?? ""
    let transfer = Transfer(
      on: try CurlHandle(), url: "\(server.scheme)://\(host)\(port)", name: host + port,
      // The operator names the server, which is often a relay on this machine.
      addresses: .all, isMail: true)
    transfer.limit(milliseconds: 15_000, connectMilliseconds: 5000)
    if let caFile { transfer.set(CURLOPT_CAINFO, caFile) }
    if let user = server.user { transfer.set(CURLOPT_USERNAME, user) }
    if let password = server.password { transfer.set(CURLOPT_PASSWORD, password) }
    transfer.requireTLS(server.requiresTLS)
    transfer.set(CURLOPT_MAIL_FROM, "<\(oneLine(mail.sender))>")
    transfer.set(CURLOPT_MAIL_RCPT, list: mail.recipients.map { "<\($0)>" })
    transfer.set(CURLOPT_UPLOAD, 1)
    transfer.set(CURLOPT_INFILESIZE_LARGE, size: mail.message.count)
    transfer.send(mail.message)
    _ = try transfer.perform()
  }

  /// The host of a URL, without brackets.
  package static func host(of url: String) -> String {
    let authority = authority(of: url)
    if authority.hasPrefix("[") { return String(authority.dropFirst().prefix { $0 != "]" }) }
    return String(authority.prefix { $0 != ":" })
  }
}

/// The host of a URL, with its port if the URL has one.
func authority(of url: String) -> String {
  URLParts(url)?.authority ?? ""
}

/// The system's text for an error number.
package func errorText(_ number: Int32) -> String {
  unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
}
