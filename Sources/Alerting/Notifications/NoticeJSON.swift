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
      json.member("id") { $0.value(String(channel.id)) }
      json.member("name") { $0.value(channel.name) }
      json.member("kind") { $0.value(channel.kind.rawValue) }
      json.member("url") { $0.optional(url) }
      json.member("to") { json in
        if let recipients { json.value(recipients) } else { json.null() }
      }
      json.member("from") { $0.optional(from) }
      json.member("command") { $0.optional(command) }
      json.member("dateCreated") { $0.value(RFC3339.format(channel.created)) }
      if let secret { json.member("secret") { $0.value(secret) } }
    }
  }

  static func write(_ record: NoticeRecord, of channel: NoticeChannel, to json: inout JSONWriter) {
    let progress = record.progress
    json.object { json in
      json.member("id") { $0.value(String(record.id)) }
      json.object("channel") { json in
        json.member("id") { $0.value(String(channel.id)) }
        json.member("name") { $0.value(channel.name) }
        json.member("kind") { $0.value(channel.kind.rawValue) }
      }
      json.member("key") { $0.value(record.notice.key) }
      json.member("action") { $0.value(record.notice.action.rawValue) }
      json.member("title") { $0.value(record.notice.title) }
      json.member("text") { $0.value(record.notice.text) }
      json.member("status") { $0.value(progress.status.rawValue) }
      json.member("attempts") { $0.value(progress.attempts) }
      json.member("lastFailure") { $0.optional(progress.failure) }
      json.member("nextAttempt") { $0.optional(progress.nextAttempt.map(RFC3339.format)) }
      json.member("dateDelivered") { $0.optional(progress.delivered.map(RFC3339.format)) }
      json.member("dateCreated") { $0.value(RFC3339.format(record.notice.created)) }
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
