internal import ReleaseHealth
internal import Storage

/// The rows of `notice`.
enum NoticeTables {
  /// Puts a notice into the queue of a channel, due at once. One that is there already stays.
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

  /// Whether a channel was notified of the same incident before: the keys of its notices differ in
  /// what follows the last hyphen.
  static func isKnown(
    _ notice: Notice, to channel: Int64, on connection: Connection
  ) throws(StoreError) -> Bool {
    let thing = notice.key[...(notice.key.lastIndex(of: "-") ?? notice.key.startIndex)]
    let select = try connection.prepare(
      "SELECT EXISTS (SELECT 1 FROM notice WHERE channel = ?1 AND key >= ?2 AND key < ?3)")
    select.bind(1, channel)
    select.bind(2, String(thing))
    // What follows the hyphen in ASCII.
    select.bind(3, String(thing.dropLast()) + ".")
    return try select.step() && select.integer(0) != 0
  }

  /// What ``records(_:)`` reads.
  static let columns = """
    id, channel, key, action, title, text, web_url, subject, created, attempts, next_attempt,
    delivered, failure
    """

  static func records(_ select: Statement) throws(StoreError) -> [NoticeRecord] {
    var records: [NoticeRecord] = []
    while try select.step() {
      var progress = NoticeProgress()
      progress.attempts = Int(select.integer(9))
      progress.nextAttempt = select.optionalInteger(10).map { Timestamp(milliseconds: $0) }
      progress.delivered = select.optionalInteger(11).map { Timestamp(milliseconds: $0) }
      progress.failure = select.optionalText(12)
      records.append(
        NoticeRecord(
          id: select.integer(0), channel: select.integer(1),
          notice: Notice(
            key: select.text(2), action: Notice.Action(rawValue: select.text(3)) ?? .test,
            title: select.text(4), text: select.text(5), webURL: select.optionalText(6),
            subject: select.text(7), created: Timestamp(milliseconds: select.integer(8))),
          progress: progress))
    }
    return records
  }

  /// Drops of the oldest rows those that are older than they are to be kept, unless they wait. Rows
  /// of incidents that are open stay: a channel that was notified of one is notified of its end.
  ///
  /// - Returns: false when there was nothing to drop.
  static func dropOld(
    before time: Int64, rowsMax: Int, on connection: Connection
  ) throws(StoreError) -> Bool {
    try connection.execute(
      """
      DELETE FROM notice WHERE id IN (
        SELECT id FROM (
          SELECT id, created, next_attempt FROM notice
          -- "incident-", its number, and what follows another hyphen.
          WHERE NOT (key GLOB 'incident-*' AND CAST(substr(key, 10) AS INTEGER) IN (
            SELECT incident FROM alert_rule WHERE incident IS NOT NULL
            UNION SELECT incident FROM alert_transition))
          ORDER BY id LIMIT \(rowsMax))
        WHERE created < \(time) AND next_attempt IS NULL)
      """)
    return connection.changes > 0
  }
}
