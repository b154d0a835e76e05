internal import Bytes
internal import ReleaseHealth
internal import Storage

/// The test notification of a channel.
enum TestNotice {
  static func notice(
    _ channel: NoticeChannel, key: String, webURL: String?, at now: Timestamp
  ) -> Notice {
    let title = "Test: the channel \(channel.name) works"
    let subject = JSONWriter.object { json in
      json.member("id", "0")
      json.member("identifier", "0")
      json.member("organization_id", String(channel.organization.rawValue))
      json.member("projects") { $0.array { _ in } }
      // Sentry's number for closed, because nobody needs to act.
      json.member("status", 2)
      json.member("title", title)
      for name in ["date_created", "date_started", "date_closed"] {
        json.member(name, now)
      }
      json.member("alert_rule") { $0.null() }
    }
    return Notice(
      key: key, action: .test, title: title,
      text: "Somebody tried it from Hale. Nothing is wrong, and there is nothing to do.",
      webURL: webURL, subject: String(decoding: subject, as: UTF8.self), created: now)
  }
}
