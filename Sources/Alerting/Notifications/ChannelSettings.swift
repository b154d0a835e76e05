internal import Bytes
internal import FoundationEssentials
package import Storage

/// The settings of a channel, by kind.
package enum ChannelSettings: Equatable, Sendable {
  /// Sentry's webhook, signed with the secret.
  case webhook(url: String, secret: String)
  case slack(url: String)
  case discord(url: String)
  /// - Parameter from: the sender; nil for that of the service.
  case email(to: [String], from: String?)
  /// A program that the operator has put into the command directory.
  case command(name: String)

  package var kind: NoticeChannel.Kind {
    switch self {
    case .webhook: .webhook
    case .slack: .slack
    case .discord: .discord
    case .email: .email
    case .command: .command
    }
  }

  /// The stored form, which includes secrets.
  package var stored: String {
    let text = JSONWriter.object { json in
      switch self {
      case .webhook(let url, let secret):
        json.member("url", url)
        json.member("secret", secret)
      case .slack(let url), .discord(let url):
        json.member("url", url)
      case .email(let to, let from):
        json.member("to", to)
        if let from { json.member("from", from) }
      case .command(let name):
        json.member("command", name)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// - Returns: nil where the settings are invalid for the kind.
  package init?(_ channel: NoticeChannel) {
    let data = Data(channel.settings.utf8)
    guard let form = try? JSONDecoder().decode(ChannelForm.self, from: data) else { return nil }
    switch channel.kind {
    case .webhook:
      guard let url = form.url, let secret = form.secret else { return nil }
      self = .webhook(url: url, secret: secret)
    case .slack, .discord:
      guard let url = form.url else { return nil }
      self = channel.kind == .slack ? .slack(url: url) : .discord(url: url)
    case .email: self = .email(to: form.to ?? [], from: form.from)
    case .command:
      guard let name = form.command else { return nil }
      self = .command(name: name)
    }
  }

  /// The destination of notifications without its secrets: the path of a chat's address is secret,
  /// and so may be the query of any address.
  package var target: String {
    switch self {
    case .webhook(let url, _):
      let path = url.prefix { $0 != "?" }
      return path.count == url.count ? url : path + "?…"
    case .slack(let url), .discord(let url):
      return URLParts(url).map { "\($0.scheme)://\($0.authority)/…" } ?? "…"
    case .email(let to, _): return to.joined(separator: ", ")
    case .command(let name): return name
    }
  }
}

/// A channel as given over the API, and by flags of the command.
package struct ChannelForm: Decodable, Sendable {
  package var name: String?
  package var kind: String?
  package var url: String?
  package var secret: String?
  package var to: [String]?
  package var from: String?
  package var command: String?

  package init() {}
}

/// A fault of a member of a form.
package struct ChannelFault: Equatable, Sendable {
  package var field: String
  package var reason: String
}

extension ChannelForm {
  static let members = ["name", "kind", "url", "secret", "to", "from", "command"]
  package static let recipientsMax = 20
  private static let urlBytesMax = 2000

  /// Completes missing members from the channel that is changed.
  package func completed(by channel: NoticeChannel, _ settings: ChannelSettings?) -> ChannelForm {
    var form = self
    form.name = name ?? channel.name
    form.kind = kind ?? channel.kind.rawValue
    switch settings {
    case .webhook(let url, let secret):
      form.url = self.url ?? url
      form.secret = self.secret ?? secret
    case .slack(let url), .discord(let url): form.url = self.url ?? url
    case .email(let to, let from):
      form.to = self.to ?? to
      form.from = self.from ?? from
    case .command(let name): form.command = command ?? name
    case nil: break
    }
    return form
  }

  /// Checks everything that can be checked without sending.
  ///
  /// - Parameter newSecret: the secret of a webhook that is given none.
  package func checked(
    newSecret: String
  ) -> (name: String, settings: ChannelSettings?, faults: [ChannelFault]) {
    var faults: [ChannelFault] = []
    let name = self.name ?? ""
    if !TokenName.isValid(name) {
      faults.append(Self.fault("name", self.name, accepted: "a name takes \(TokenName.rule)"))
    }
    guard let kind = NoticeChannel.Kind(rawValue: self.kind ?? "") else {
      let kinds = NoticeChannel.Kind.allCases.map(\.rawValue).joined(separator: ", ")
      faults.append(Self.fault("kind", self.kind, accepted: "there are \(kinds)"))
      return (name, nil, faults)
    }
    var settings: ChannelSettings
    switch kind {
    case .webhook:
      settings = .webhook(url: url ?? "", secret: secret ?? newSecret)
      if let secret, !Self.isSecret(secret) {
        // The answer does not contain the value.
        faults.append(
          ChannelFault(
            field: "secret", reason: "It takes 16 to 200 visible ASCII characters without spaces."))
      }
    case .slack: settings = .slack(url: url ?? "")
    case .discord: settings = .discord(url: url ?? "")
    case .email:
      settings = .email(to: to ?? [], from: from)
      faults += Self.mailFaults(to: to ?? [], from: from)
    case .command:
      settings = .command(name: command ?? "")
      if !Self.isCommandName(command ?? "") {
        faults.append(
          Self.fault(
            "command", command,
            accepted: "it takes the name of a program in the directory of HALE_NOTICE_COMMANDS: "
              + "up to 64 letters, digits, '.', '_' and '-', the first a letter or digit"))
      }
    }
    if [.webhook, .slack, .discord].contains(kind), let reason = Self.urlFault(url) {
      faults.append(ChannelFault(field: "url", reason: reason))
    }
    faults += surplus(for: kind)
    return (name, settings, faults)
  }

  /// The members for other kinds, which have no effect and are most likely a mistake.
  private func surplus(for kind: NoticeChannel.Kind) -> [ChannelFault] {
    let given: [(String, Bool, [NoticeChannel.Kind])] = [
      ("url", url != nil, [.webhook, .slack, .discord]), ("secret", secret != nil, [.webhook]),
      ("to", to != nil, [.email]), ("from", from != nil, [.email]),
      ("command", command != nil, [.command]),
    ]
    return given.filter { $0.1 && !$0.2.contains(kind) }.map {
      ChannelFault(field: $0.0, reason: "A channel of the kind \(kind.rawValue) has none.")
    }
  }

  private static func fault(_ field: String, _ value: String?, accepted: String) -> ChannelFault {
    guard let value else {
      return ChannelFault(field: field, reason: "It is missing; \(accepted).")
    }
    return ChannelFault(field: field, reason: "It is \"\(value)\", but \(accepted).")
  }

  /// - Returns: nil where the address is valid. The fault does not contain the address, which may
  ///   have a secret.
  private static func urlFault(_ url: String?) -> String? {
    guard let url else { return "It is missing; it takes an https:// or http:// address." }
    let isPlain = url.utf8.allSatisfy { $0.isVisible && $0 != UInt8(ascii: "#") }
    guard url.utf8.count <= urlBytesMax, isPlain else {
      return "It takes up to \(urlBytesMax) visible ASCII characters, without spaces and '#'."
    }
    guard let parts = URLParts(url), ["http", "https"].contains(parts.scheme.lowercased()) else {
      return "It takes an address that begins with https:// or http://."
    }
    if parts.userinfo != nil { return "It takes an address without a user before the host." }
    return parts.host.isEmpty ? "It takes an address with a host." : nil
  }

  private static func isSecret(_ text: String) -> Bool {
    (16...200).contains(text.utf8.count) && text.utf8.allSatisfy(\.isVisible)
  }

  private static func mailFaults(to: [String], from: String?) -> [ChannelFault] {
    let rule = "a mail address alone, for example ops@example.com"
    var faults: [ChannelFault] = []
    if !(1...recipientsMax).contains(to.count) {
      faults.append(
        ChannelFault(
          field: "to", reason: "It has \(to.count) addresses, but it takes 1 to \(recipientsMax)."))
    }
    for address in to.prefix(recipientsMax) where !MailAddress.isValid(address) {
      faults.append(fault("to", address, accepted: "each entry takes \(rule)"))
    }
    if let from, !MailAddress.isValid(from) {
      faults.append(fault("from", from, accepted: "it takes \(rule)"))
    }
    return faults
  }

  /// Whether the name stays within the command directory.
  private static func isCommandName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count) && text.utf8.first?.isAlphanumeric == true
      && text.utf8.allSatisfy { $0.isAlphanumeric || "._-".utf8.contains($0) }
  }
}

/// The accepted addresses of mailboxes: RFC 5321's `Mailbox` without quoted names and literal
/// addresses.
package enum MailAddress {
  package static func isValid(_ text: String) -> Bool {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, (1...64).contains(parts[0].utf8.count),
      (1...253).contains(parts[1].utf8.count)
    else { return false }
    let isDotted: (Substring) -> Bool = { part in
      !part.hasPrefix(".") && !part.hasSuffix(".") && !part.contains("..")
    }
    // RFC 5322 §3.2.3: atext.
    let isAtom = parts[0].utf8.allSatisfy {
      $0.isAlphanumeric || "!#$%&'*+-/=?^_`{|}~.".utf8.contains($0)
    }
    let isDomain = parts[1].utf8.allSatisfy { $0.isAlphanumeric || "-.".utf8.contains($0) }
    return isAtom && isDomain && isDotted(parts[0]) && isDotted(parts[1])
  }
}
