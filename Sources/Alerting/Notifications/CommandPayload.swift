internal import Outbound
internal import Storage

/// A notification for a program: the webhook's body on its standard input, and the most important
/// values in its environment. The service's own environment, which may have secrets, is not passed.
enum CommandPayload {
  static func program(_ notice: Notice, path: String, installation: UInt128) -> Program {
    Program(
      path: path,
      environment: [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HALE_NOTICE_KEY", notice.key),
        ("HALE_NOTICE_ACTION", notice.action.rawValue),
        ("HALE_NOTICE_TITLE", notice.title),
        ("HALE_NOTICE_TEXT", notice.text),
        ("HALE_NOTICE_URL", notice.webURL ?? ""),
      ], input: WebhookPayload.body(notice, installation: installation))
  }
}
