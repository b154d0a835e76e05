internal import Outbound
internal import Storage

/// A notice for a program: the webhook's body on its standard input, and what short scripts need in
/// its environment. Of the service's own environment, which may hold secrets, it sees nothing.
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
