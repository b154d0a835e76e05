package import ReleaseHealth
package import Storage

extension SQLiteStore: NoticeStore {
  package func channels(
    of organization: OrganizationID?
  ) throws(StoreError) -> [NoticeChannel] {
    try readCatalog { (connection) throws(StoreError) in
      let select = try connection.prepare(
        """
        SELECT id, organization, name, kind, settings, created FROM notice_channel
        WHERE organization = coalesce(?1, organization) ORDER BY id
        """)
      select.bind(1, organization?.rawValue)
      var channels: [NoticeChannel] = []
      while try select.step() {
        guard let kind = NoticeChannel.Kind(rawValue: select.text(3)) else { continue }
        channels.append(
          NoticeChannel(
            id: select.integer(0), organization: OrganizationID(rawValue: select.integer(1)),
            name: select.text(2), kind: kind, settings: select.text(4),
            created: Timestamp(milliseconds: select.integer(5))))
      }
      return channels
    }
  }

  package func createChannel(
    organization: OrganizationID, name: String, kind: NoticeChannel.Kind, settings: String,
    at now: Timestamp
  ) throws(StoreError) -> NoticeChannel {
    try changeNotices { (connection) throws(StoreError) in
      try refuseName(name, of: organization, otherThan: nil, connection)
      let insert = try connection.prepare(
        """
        INSERT INTO notice_channel (organization, name, kind, settings, created)
        VALUES (?, ?, ?, ?, ?)
        """)
      insert.bind(1, organization.rawValue)
      insert.bind(2, name)
      insert.bind(3, kind.rawValue)
      insert.bind(4, settings)
      insert.bind(5, now.milliseconds)
      try insert.run()
      try noteChannelChange(connection)
      return NoticeChannel(
        id: connection.lastInsertedRow, organization: organization, name: name, kind: kind,
        settings: settings, created: now)
    }
  }

  package func updateChannel(_ channel: NoticeChannel) throws(StoreError) -> Bool {
    try changeNotices { (connection) throws(StoreError) in
      try refuseName(channel.name, of: channel.organization, otherThan: channel.id, connection)
      try refuseIfUsed(channel.id, keeping: channel.name, connection)
      let update = try connection.prepare(
        "UPDATE notice_channel SET name = ?2, settings = ?3 WHERE id = ?1")
      update.bind(1, channel.id)
      update.bind(2, channel.name)
      update.bind(3, channel.settings)
      try update.run()
      let isThere = connection.changes > 0
      try noteChannelChange(connection)
      return isThere
    }
  }

  package func deleteChannel(_ id: Int64) throws(StoreError) -> Bool {
    try changeNotices { (connection) throws(StoreError) in
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
    let select = try connection.prepare(
      """
      SELECT DISTINCT alert_rule.name FROM notice_channel
        JOIN alert_rule ON alert_rule.organization = notice_channel.organization
        JOIN alert_rule_channel ON alert_rule_channel.rule = alert_rule.id
          AND alert_rule_channel.name = notice_channel.name
      WHERE notice_channel.id = ?1 AND notice_channel.name IS NOT ?2 ORDER BY alert_rule.name
      """)
    select.bind(1, id)
    select.bind(2, name)
    var names: [String] = []
    while try select.step() { names.append(select.text(0)) }
    if names.isEmpty { return }
    throw .channelInUse(rules: names)
  }

  package func alertTransitions() throws(StoreError) -> [AlertTransition] {
    try readCatalog { (connection) throws(StoreError) in try TransitionTable.all(on: connection) }
  }

  package func enqueue(
    _ notice: Notice, of transition: AlertTransition
  ) throws(StoreError) {
    try changeNotices { (connection) throws(StoreError) in
      try TransitionTable.enqueue(notice, of: transition.id, on: connection)
    }
  }

  package func dueNotices(at now: Timestamp) throws(StoreError) -> [NoticeRecord] {
    try readCatalog { (connection) throws(StoreError) in
      let select = try connection.prepare(
        """
        SELECT \(NoticeTables.columns) FROM notice WHERE id IN (
          SELECT (SELECT min(id) FROM notice AS first
            WHERE first.channel = due.channel AND first.next_attempt IS NOT NULL)
          FROM (SELECT DISTINCT channel FROM notice WHERE next_attempt <= ?1) AS due)
        ORDER BY id
        """)
      select.bind(1, now.milliseconds)
      return try NoticeTables.records(select)
    }
  }

  package func nextNoticeDue() throws(StoreError) -> Timestamp? {
    try readCatalog { (connection) throws(StoreError) in
      let select = try connection.prepare(
        "SELECT min(next_attempt) FROM notice WHERE next_attempt IS NOT NULL")
      guard try select.step() else { return nil }
      return select.optionalInteger(0).map { Timestamp(milliseconds: $0) }
    }
  }

  package func record(
    _ progress: NoticeProgress, of notice: NoticeRecord
  ) throws(StoreError) {
    try changeNotices { (connection) throws(StoreError) in
      let update = try connection.prepare(
        """
        UPDATE notice SET attempts = ?2, next_attempt = ?3, delivered = ?4, failure = ?5
        WHERE id = ?1
        """)
      update.bind(1, notice.id)
      update.bind(2, progress.attempts)
      update.bind(3, progress.nextAttempt?.milliseconds)
      update.bind(4, progress.delivered?.milliseconds)
      update.bind(5, progress.failure)
      try update.run()
      guard let next = progress.nextAttempt else { return }
      let wait = try connection.prepare(
        "UPDATE notice SET next_attempt = max(next_attempt, ?2) WHERE channel = ?1 AND next_attempt < ?2"
      )
      wait.bind(1, notice.channel)
      wait.bind(2, next.milliseconds)
      try wait.run()
    }
  }

  package func addToHistory(
    _ notice: Notice, channel: Int64, _ progress: NoticeProgress
  ) throws(StoreError) -> Int64 {
    try changeNotices { (connection) throws(StoreError) in
      try NoticeTables.enqueue(notice, channel: channel, on: connection)
      let id = connection.lastInsertedRow
      let update = try connection.prepare(
        "UPDATE notice SET attempts = ?2, next_attempt = NULL, delivered = ?3, failure = ?4 WHERE id = ?1"
      )
      update.bind(1, id)
      update.bind(2, progress.attempts)
      update.bind(3, progress.delivered?.milliseconds)
      update.bind(4, progress.failure)
      try update.run()
      return id
    }
  }

  package func notices(
    of organization: OrganizationID, channel: Int64?, offset: Int, limit: Int
  ) throws(StoreError) -> [NoticeRecord] {
    try readCatalog { (connection) throws(StoreError) in
      let select = try connection.prepare(
        """
        SELECT \(NoticeTables.columns) FROM notice
        WHERE channel IN (SELECT id FROM notice_channel WHERE organization = ?1)
          AND channel = coalesce(?2, channel)
        ORDER BY id DESC LIMIT ?3 OFFSET ?4
        """)
      select.bind(1, organization.rawValue)
      select.bind(2, channel)
      select.bind(3, limit)
      select.bind(4, offset)
      return try NoticeTables.records(select)
    }
  }

  /// A change in one transaction. Sessions that wait to be counted have nothing to do with it.
  private func changeNotices<Value: Sendable>(
    _ body: (Connection) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try ingesting { (writer) throws(StoreError) in
      try writer.connection.transaction { () throws(StoreError) in
        try body(writer.connection)
      }
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
    let select = try connection.prepare(
      "SELECT 1 FROM notice_channel WHERE organization = ?1 AND name = ?2 AND id IS NOT ?3")
    select.bind(1, organization.rawValue)
    select.bind(2, name)
    select.bind(3, id)
    if try select.step() { throw .conflict(.channel(name)) }
  }
}
