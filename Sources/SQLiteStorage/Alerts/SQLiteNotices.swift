package import ReleaseHealth
package import Storage

extension SQLiteStore: NoticeStore {
  package func channels(of organization: OrganizationID?) throws(StoreError) -> [NoticeChannel] {
    try readCatalog { (connection) throws(StoreError) in
      try connection.rows(
        """
        SELECT id, organization, name, kind, settings, created FROM notice_channel
        WHERE organization = coalesce(?1, organization) ORDER BY id
        """, [organization]
      ) { row in
        NoticeChannel.Kind(rawValue: row.text(3)).map {
          NoticeChannel(
            id: row.integer(0), organization: OrganizationID(rawValue: row.integer(1)),
            name: row.text(2), kind: $0, settings: row.text(4), created: row.time(5))
        }
      }
    }
  }

  package func createChannel(
    organization: OrganizationID, name: String, kind: NoticeChannel.Kind, settings: String,
    at now: Timestamp
  ) throws(StoreError) -> NoticeChannel {
    try commit { (connection) throws(StoreError) in
      try refuseName(name, of: organization, otherThan: nil, connection)
      try connection.run(
        """
        INSERT INTO notice_channel (organization, name, kind, settings, created)
        VALUES (?, ?, ?, ?, ?)
        """, [organization, name, kind.rawValue, settings, now])
      try noteChannelChange(connection)
      return NoticeChannel(
        id: connection.lastInsertedRow, organization: organization, name: name, kind: kind,
        settings: settings, created: now)
    }
  }

  package func updateChannel(_ channel: NoticeChannel) throws(StoreError) -> Bool {
    try commit { (connection) throws(StoreError) in
      try refuseName(channel.name, of: channel.organization, otherThan: channel.id, connection)
      try refuseIfUsed(channel.id, keeping: channel.name, connection)
      try connection.run(
        "UPDATE notice_channel SET name = ?2, settings = ?3 WHERE id = ?1",
        [channel.id, channel.name, channel.settings])
      let isThere = connection.changes > 0
      try noteChannelChange(connection)
      return isThere
    }
  }

  package func deleteChannel(_ id: Int64) throws(StoreError) -> Bool {
    try commit { (connection) throws(StoreError) in
      try refuseIfUsed(id, connection)
      try connection.execute("DELETE FROM notice WHERE channel = \(id)")
      try connection.execute("DELETE FROM notice_channel WHERE id = \(id)")
      let wasThere = connection.changes > 0
      try noteChannelChange(connection)
      return wasThere
    }
  }

  /// Rules name channels, and a notification to one that is gone or renamed would be sent
  /// nowhere.
  ///
  /// - Parameter name: that the channel is to have; nil where it goes.
  private func refuseIfUsed(
    _ id: Int64, keeping name: String? = nil, _ connection: Connection
  ) throws(StoreError) {
    let names = try connection.rows(
      """
      SELECT DISTINCT alert_rule.name FROM notice_channel
        JOIN alert_rule ON alert_rule.organization = notice_channel.organization
        JOIN alert_rule_channel ON alert_rule_channel.rule = alert_rule.id
          AND alert_rule_channel.name = notice_channel.name
      WHERE notice_channel.id = ?1 AND notice_channel.name IS NOT ?2 ORDER BY alert_rule.name
      """, [id, name]
    ) { $0.text(0) }
    if !names.isEmpty { throw .channelInUse(rules: names) }
  }

  package func alertTransitions() throws(StoreError) -> [AlertTransition] {
    try readCatalog { (connection) throws(StoreError) in
      try TransitionTable(connection: connection).all()
    }
  }

  package func enqueue(_ notice: Notice, of transition: AlertTransition) throws(StoreError) {
    try commit { (connection) throws(StoreError) in
      try TransitionTable(connection: connection).enqueue(notice, of: transition.id)
    }
  }

  package func dueNotices(at now: Timestamp) throws(StoreError) -> [NoticeRecord] {
    try readCatalog { (connection) throws(StoreError) in
      try NoticeTables(connection: connection).records(
        """
        WHERE id IN (
          SELECT (SELECT min(id) FROM notice AS first
            WHERE first.channel = due.channel AND first.next_attempt IS NOT NULL)
          FROM (SELECT DISTINCT channel FROM notice WHERE next_attempt <= ?1) AS due)
        ORDER BY id
        """, [now])
    }
  }

  package func nextNoticeDue() throws(StoreError) -> Timestamp? {
    try readCatalog { (connection) throws(StoreError) in
      try connection.number(
        "SELECT next_attempt FROM notice WHERE next_attempt IS NOT NULL ORDER BY 1 LIMIT 1"
      ).map { Timestamp(milliseconds: $0) }
    }
  }

  package func record(_ progress: NoticeProgress, of notice: NoticeRecord) throws(StoreError) {
    try commit { (connection) throws(StoreError) in
      try save(progress, of: notice.id, connection)
      guard let next = progress.nextAttempt else { return }
      try connection.run(
        "UPDATE notice SET next_attempt = ?2 WHERE channel = ?1 AND next_attempt < ?2",
        [notice.channel, next])
    }
  }

  package func addToHistory(
    _ notice: Notice, channel: Int64, _ progress: NoticeProgress
  ) throws(StoreError) -> Int64 {
    try commit { (connection) throws(StoreError) in
      try NoticeTables(connection: connection).enqueue(notice, channel: channel)
      let id = connection.lastInsertedRow
      try save(progress, of: id, connection)
      return id
    }
  }

  private func save(
    _ progress: NoticeProgress, of notice: Int64, _ connection: Connection
  ) throws(StoreError) {
    try connection.run(
      """
      UPDATE notice SET attempts = ?2, next_attempt = ?3, delivered = ?4, failure = ?5
      WHERE id = ?1
      """, [notice, progress.attempts, progress.nextAttempt, progress.delivered, progress.failure])
  }

  package func notices(
    of organization: OrganizationID, channel: Int64?, offset: Int, limit: Int
  ) throws(StoreError) -> [NoticeRecord] {
    try readCatalog { (connection) throws(StoreError) in
      try NoticeTables(connection: connection).records(
        """
        WHERE channel IN (SELECT id FROM notice_channel WHERE organization = ?1)
          AND channel = coalesce(?2, channel)
        ORDER BY id DESC LIMIT ?3 OFFSET ?4
        """, [organization, channel, limit, offset])
    }
  }

  /// A running service, to which a command's change comes from another process, takes notice of it
  /// as of one of the catalog.
  private func noteChannelChange(_ connection: Connection) throws(StoreError) {
    // The last inserted row stays the channel's: an update inserts none.
    try connection.execute("UPDATE setting SET value = value + 1 WHERE name = 'catalog_version'")
  }

  private func refuseName(
    _ name: String, of organization: OrganizationID, otherThan id: Int64?, _ connection: Connection
  ) throws(StoreError) {
    let taken = try connection.number(
      "SELECT 1 FROM notice_channel WHERE organization = ?1 AND name = ?2 AND id IS NOT ?3",
      [organization, name, id])
    if taken != nil { throw .conflict(.channel(name)) }
  }
}
