internal import Storage

/// The rows of `notice`.
struct NoticeTables {
  let connection: Connection

  /// Puts a notice into the queue of a channel, due at once. One that is there already stays.
  func enqueue(_ notice: Notice, channel: Int64) throws(StoreError) {
    try connection.run(
      """
      INSERT INTO notice (channel, key, action, title, text, web_url, subject, created, next_attempt)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT DO NOTHING
      """,
      [
        channel, notice.key, notice.action.rawValue, notice.title, notice.text, notice.webURL,
        notice.subject, notice.created,
      ])
  }

  /// Whether a channel was notified of the same incident before: the keys of its notices differ in
  /// what follows the last hyphen.
  func isKnown(_ notice: Notice, to channel: Int64) throws(StoreError) -> Bool {
    let thing = notice.key[...(notice.key.lastIndex(of: "-") ?? notice.key.startIndex)]
    // What follows the hyphen in ASCII.
    let end = String(thing.dropLast()) + "."
    return try connection.number(
      "SELECT 1 FROM notice WHERE channel = ?1 AND key >= ?2 AND key < ?3 LIMIT 1",
      [channel, String(thing), end]) != nil
  }

  /// - Parameter rest: of the statement, behind the table.
  func records(_ rest: String, _ values: [(any Bindable)?]) throws(StoreError) -> [NoticeRecord] {
    try connection.rows(
      """
      SELECT id, channel, key, action, title, text, web_url, subject, created, attempts,
        next_attempt, delivered, failure FROM notice \(rest)
      """, values
    ) { row in
      var progress = NoticeProgress()
      progress.attempts = Int(row.integer(9))
      progress.nextAttempt = row.optionalTime(10)
      progress.delivered = row.optionalTime(11)
      progress.failure = row.optionalText(12)
      return NoticeRecord(
        id: row.integer(0), channel: row.integer(1),
        notice: Notice(
          key: row.text(2), action: Notice.Action(rawValue: row.text(3)) ?? .test,
          title: row.text(4), text: row.text(5), webURL: row.optionalText(6), subject: row.text(7),
          created: row.time(8)),
        progress: progress)
    }
  }
}
