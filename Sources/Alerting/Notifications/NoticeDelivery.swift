internal import Bytes
package import Outbound
internal import ReleaseHealth
internal import Storage

/// The operator's settings for sending notifications.
package struct NotificationClients: Sendable {
  package var client: OutboundClient
  /// The addresses that channels may send to.
  package var addresses: AddressPolicy
  /// The mail server; nil where mail cannot be sent.
  package var mailServer: MailServer?
  /// The sender for channels without one.
  package var mailFrom: String?
  /// The directory of the programs that channels may run; nil for none.
  package var commandDirectory: String?

  package init(
    client: OutboundClient, addresses: AddressPolicy, mailServer: MailServer? = nil,
    mailFrom: String? = nil, commandDirectory: String? = nil
  ) {
    self.client = client
    self.addresses = addresses
    self.mailServer = mailServer
    self.mailFrom = mailFrom
    self.commandDirectory = commandDirectory
  }

  /// A missing requirement of a channel, as far as that can be checked without sending.
  func fault(of settings: ChannelSettings) -> ChannelFault? {
    switch settings {
    case .webhook(let url, _), .slack(let url), .discord(let url):
      let host = OutboundClient.host(of: url)
      guard let address = NetworkAddress(host), !addresses.allows(address, host: host) else {
        return nil
      }
      return ChannelFault(
        field: "url",
        reason: "\(host) is a private address. The operator can allow it: "
          + "--private-notice-hosts \(host).")
    case .email(_, let from):
      if mailServer == nil {
        return ChannelFault(
          field: "kind", reason: "The service has no mail server: HALE_SMTP_URL sets one.")
      }
      if from != nil || mailFrom != nil { return nil }
      return ChannelFault(
        field: "from", reason: "It is missing, and --smtp-from sets none for all channels.")
    case .command(let name):
      guard let commandDirectory else {
        return ChannelFault(
          field: "kind",
          reason: "The service runs no commands: --notice-commands names the directory of those "
            + "that it may run.")
      }
      if Program(path: "\(commandDirectory)/\(name)", environment: [], input: []).isThere {
        return nil
      }
      return ChannelFault(
        field: "command",
        reason: "There is no program '\(name)' in the directory of --notice-commands.")
    }
  }
}

/// Delivers one notification to one channel.
struct NoticeDelivery {
  enum Outcome: Equatable {
    case delivered
    case failed(String, isPermanent: Bool, retryAfter: Int64?)
  }

  let clients: NotificationClients
  /// Identifies this database to receivers.
  let installation: UInt128
  /// A new id for each attempt.
  let requestID: UInt128
  let now: Timestamp

  /// The length of another machine's or program's text in the reason of a failure.
  private static let reasonCharactersMax = 300

  /// Delivers the notification, and blocks until the outcome is known.
  func deliver(_ notice: Notice, to settings: ChannelSettings) -> Outcome {
    do throws(OutboundFailure) {
      switch settings {
      case .webhook(let url, let secret):
        let call = WebhookPayload.call(
          notice, to: (url, secret), installation: installation, requestID: requestID, at: now)
        return outcome(try clients.client.send(call))
      case .slack(let url):
        let call = ChatPayload.call(ChatPayload.slack(notice), url: url, key: notice.key)
        return outcome(try clients.client.send(call))
      case .discord(let url):
        let call = ChatPayload.call(ChatPayload.discord(notice), url: url, key: notice.key)
        return outcome(try clients.client.send(call))
      case .email(let to, let from):
        guard let server = clients.mailServer else {
          throw OutboundFailure("the service has no mail server: HALE_SMTP_URL sets one")
        }
        guard let from = from ?? clients.mailFrom else {
          throw OutboundFailure("no sender is set, neither of the channel nor by --smtp-from")
        }
        try clients.client.send(MailPayload.mail(notice, from: from, to: to, at: now), by: server)
      case .command(let name):
        guard let directory = clients.commandDirectory else {
          throw OutboundFailure("the service runs no commands: --notice-commands is not set")
        }
        try clients.client.run(
          CommandPayload.program(notice, path: "\(directory)/\(name)", installation: installation))
      }
      return .delivered
    } catch {
      return .failed(
        error.reason.excerpt(Self.reasonCharactersMax), isPermanent: error.isPermanent,
        retryAfter: nil)
    }
  }

  private func outcome(_ answer: HTTPAnswer) -> Outcome {
    if (200...299).contains(answer.status) { return .delivered }
    var reason = "the receiver answered \(answer.status)"
    if (300...399).contains(answer.status) {
      // A redirection is not followed, because nobody configured its address.
      reason += ", a redirection, which is not followed: name the address itself"
    } else {
      let text = String(decoding: answer.body, as: UTF8.self).excerpt(Self.reasonCharactersMax)
      if !text.isEmpty { reason += ": " + text }
    }
    let isTransient = answer.status == 408 || answer.status == 429 || answer.status >= 500
    return .failed(
      reason, isPermanent: !isTransient,
      retryAfter: answer.header("retry-after").flatMap { RetrySchedule.seconds($0, now: now) })
  }
}
