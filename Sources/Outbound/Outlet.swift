internal import CCurl
internal import Glibc

/// A request to a web server.
package struct HTTPCall: Sendable {
  package var method: String
  /// `http://` or `https://`.
  package var url: String
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// From the first step to the last byte of the answer.
  package var timeoutMilliseconds: Int
  /// What comes beyond is not read.
  package var answerBytesMax: Int

  package init(
    method: String = "POST", url: String, headers: [(name: String, value: String)] = [],
    body: [UInt8] = [], timeoutMilliseconds: Int = 15_000, answerBytesMax: Int = 16 << 10
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeoutMilliseconds = timeoutMilliseconds
    self.answerBytesMax = answerBytesMax
  }
}

/// What a web server answered.
package struct HTTPAnswer: Sendable {
  package var status: Int
  /// The names in lower case.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// There was more than was to be read.
  package var isCut: Bool

  /// The first header of this name, which is in lower case.
  package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// A mail server, as the operator sets it.
package struct MailServer: Equatable, Sendable {
  /// `smtp` or `smtps`: TLS from the start.
  package var scheme: String
  /// Without brackets.
  package var host: String
  /// nil where the scheme's own is meant.
  package var port: Int?
  package var user: String?
  package var password: String?
  /// Whether mail goes only once the connection is encrypted, by STARTTLS.
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
  /// Addresses alone, without names.
  package var sender: String
  package var recipients: [String]
  /// RFC 5322, with CRLF between lines.
  package var message: [UInt8]

  package init(sender: String, recipients: [String], message: [UInt8]) {
    self.sender = sender
    self.recipients = recipients
    self.message = message
  }
}

/// Why something did not get out.
package struct OutboundFailure: Error, Equatable, Sendable {
  /// For people; names the host.
  package var reason: String
  /// The other side will say the same next time.
  package var isPermanent: Bool

  package init(_ reason: String, isPermanent: Bool = false) {
    self.reason = reason
    self.isPermanent = isPermanent
  }
}

/// The way out.
package struct Outlet: Sendable {
  private let addresses: AddressPolicy
  /// The certificates that servers are checked by; nil for the system's.
  private let caFile: String?

  package init(addresses: AddressPolicy, caFile: String? = nil) {
    self.addresses = addresses
    self.caFile = caFile
  }

  /// Makes a request. Redirections are answers like others.
  package func send(_ call: HTTPCall) throws(OutboundFailure) -> HTTPAnswer {
    let transfer = try Transfer(
      url: call.url, host: Self.host(of: call.url), addresses: addresses, caFile: caFile,
      isMail: false, timeoutMilliseconds: call.timeoutMilliseconds,
      outputBytesMax: call.answerBytesMax)
    // An empty Expect keeps libcurl from waiting for leave to send a large body.
    let headers = call.headers.map { "\($0.name): \($0.value)" } + ["Expect:"]
    transfer.set(CURLOPT_HTTPHEADER, list: headers)
    if call.method == "GET" {
      transfer.set(CURLOPT_HTTPGET, 1)
    } else {
      transfer.set(CURLOPT_POST, 1)
      transfer.set(CURLOPT_CUSTOMREQUEST, call.method)
      transfer.set(CURLOPT_POSTFIELDSIZE_LARGE, size: call.body.count)
      transfer.send(call.body)
    }
    let status = try transfer.perform()
    let fields = transfer.headerLines.compactMap { line -> (name: String, value: String)? in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      return (line[..<colon].lowercased(), String(value.prefix { !$0.isNewline }))
    }
    return HTTPAnswer(
      status: status, headers: fields, body: transfer.output, isCut: transfer.isCut)
  }

  /// Hands a mail to the server. All recipients get it, or it counts as failed.
  package func send(_ mail: Mail, by server: MailServer) throws(OutboundFailure) {
    let host = server.host.contains(":") ? "[\(server.host)]" : server.host
    let port = server.port.map { ":\($0)" } ?? ""
    let transfer = try Transfer(
      url: "\(server.scheme)://\(host)\(port)", host: server.host,
      // The operator named the server; a relay on this machine is the usual one.
      addresses: .all, caFile: caFile, isMail: true, timeoutMilliseconds: 15_000,
      outputBytesMax: 16 << 10)
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
    guard let start = url.firstRange(of: "://")?.upperBound else { return "" }
    var authority = url[start...].prefix { !"/?#".contains($0) }
    if let at = authority.lastIndex(of: "@") {
      authority = authority[authority.index(after: at)...]
    }
    if authority.hasPrefix("[") { return String(authority.dropFirst().prefix { $0 != "]" }) }
    return String(authority.prefix { $0 != ":" })
  }
}
