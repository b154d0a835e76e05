internal import ReleaseHealth
internal import Storage

/// The rows of `notice`.
enum NoticeTables {
  /// Puts a notice into the queue of a channel, due at once; within the transaction of the change that
  /// it tells of, so that neither is kept without the other. One that is there already stays.
  static func enqueue(
    _ notice: Notice, channel: Int64, on connection: Connection
  ) throws(StoreError) {
    let insert = try connection.prepare(
      """
      INSERT INTO notice (channel, key, action, title, text, web_url, subject, created, next_attempt)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT DO NOTHING
      """)
    insert.bind(1, channel)
    insert.bind(2, notice.key)
    insert.bind(3, notice.action.rawValue)
    insert.bind(4, notice.title)
    insert.bind(5, notice.text)
    insert.bind(6, notice.webURL)
    insert.bind(7, notice.subject)
    insert.bind(8, notice.created.milliseconds)
    try insert.run()
  }
}
