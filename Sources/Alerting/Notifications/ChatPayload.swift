internal import Bytes
internal import Outbound
internal import ReleaseHealth
internal import Storage

/// Messages for the incoming webhooks of chats.
enum ChatPayload {
  /// Slack's message, with `text` for chats that know no blocks, such as Mattermost and
  /// Rocket.Chat.
  static func slack(_ notice: Notice) -> [UInt8] {
    let heading = "*\(slackText(cut(notice.title, 250)))*"
    let text = slackText(cut(notice.text, 2000))
    let link = notice.webURL.map { "<\(slackText($0))|Open in Hale>" }
    let lines = [heading, text, link].compactMap(\.self).joined(separator: "\n")
    return JSONWriter.object { json in
      json.member("text", lines)
      json.objects("blocks", of: [lines]) { json, lines in
        json.member("type", "section")
        json.object("text") { json in
          json.member("type", "mrkdwn")
          json.member("text", lines)
        }
      }
    }
  }

  /// Discord's message: one embed, which mentions nobody.
  static func discord(_ notice: Notice) -> [UInt8] {
    JSONWriter.object { json in
      json.objects("embeds", of: [notice]) { json, notice in
        json.member("title", cut(notice.title, 250))
        json.member("description", cut(notice.text, 2000))
        if let url = notice.webURL { json.member("url", url) }
        json.member("color", color(notice.action))
        json.member("timestamp", notice.created)
      }
      json.object("allowed_mentions") { json in json.member("parse") { $0.array { _ in } } }
    }
  }

  static func call(_ body: [UInt8], url: String, key: String) -> HTTPCall {
    HTTPCall(
      url: url, headers: [("Content-Type", "application/json"), ("Idempotency-Key", key)],
      body: body)
  }

  /// Escapes text for Slack; otherwise `<!channel>` would notify everyone.
  private static func slackText(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }

  /// Shortens text, because chats refuse long messages.
  private static func cut(_ text: String, _ charactersMax: Int) -> String {
    text.count <= charactersMax ? text : text.prefix(charactersMax - 1) + "…"
  }

  private static func color(_ action: Notice.Action) -> Int {
    switch action {
    case .critical: 0xd1242f
    case .warning: 0xbf8700
    case .resolved: 0x1a7f37
    case .test: 0x6e7781
    }
  }
}
