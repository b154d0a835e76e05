internal import Bytes
internal import ReleaseHealth
package import Storage

/// Writes channels and notifications for the API, without secrets.
enum NoticeJSON {
  /// - Parameter secret: a secret that was just generated, which is shown this once.
  static func write(_ channel: NoticeChannel, secret: String? = nil, to json: inout JSONWriter) {
    let settings = ChannelSettings(channel)
    var recipients: [String]?
    var from: String?
    var command: String?
    var url: String?
    switch settings {
    case .webhook, .slack, .discord: url = settings?.target
    case .email(let to, let sender): (recipients, from) = (to, sender)
    case .command(let name): command = name
    case nil: break
    }
    json.object { json in
      json.member("id", String(channel.id))
      json.member("name", channel.name)
      json.member("kind", channel.kind.rawValue)
      json.member("url", url)
      json.member("to", recipients)
      json.member("from", from)
      json.member("command", command)
      json.member("dateCreated", channel.created)
      if let secret { json.member("secret", secret) }
    }
  }

  static func write(_ record: NoticeRecord, of channel: NoticeChannel, to json: inout JSONWriter) {
    let progress = record.progress
    json.object { json in
      json.member("id", String(record.id))
      json.object("channel") { json in
        json.member("id", String(channel.id))
        json.member("name", channel.name)
        json.member("kind", channel.kind.rawValue)
      }
      json.member("key", record.notice.key)
      json.member("action", record.notice.action.rawValue)
      json.member("title", record.notice.title)
      json.member("text", record.notice.text)
      json.member("status", progress.status.rawValue)
      json.member("attempts", progress.attempts)
      json.member("lastFailure", progress.failure)
      json.member("nextAttempt", progress.nextAttempt)
      json.member("dateDelivered", progress.delivered)
      json.member("dateCreated", record.notice.created)
    }
  }
}

extension NoticeProgress {
  package enum Status: String, CaseIterable, Sendable {
    case waiting
    case delivered
    case givenUp
  }

  package var status: Status {
    if delivered != nil { return .delivered }
    return nextAttempt == nil ? .givenUp : .waiting
  }
}
