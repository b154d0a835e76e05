package import ReleaseHealth

/// Where notices of an organization go.
package struct NoticeChannel: Equatable, Sendable {
  package enum Kind: String, CaseIterable, Codable, Sendable {
    case webhook
    case slack
    case discord
    case email
    case command
  }

  package var id: Int64
  package var organization: OrganizationID
  /// The name, unique within the organization.
  package var name: String
  package var kind: Kind
  /// What the kind needs, as JSON; secrets among it.
  package var settings: String
  package var created: Timestamp

  package init(
    id: Int64, organization: OrganizationID, name: String, kind: Kind, settings: String,
    created: Timestamp
  ) {
    self.id = id
    self.organization = organization
    self.name = name
    self.kind = kind
    self.settings = settings
    self.created = created
  }
}

/// A notification to a channel, with its delivery.
package struct NoticeRecord: Equatable, Sendable {
  package var id: Int64
  package var channel: Int64
  package var notice: Notice
  package var progress: NoticeProgress

  package init(id: Int64, channel: Int64, notice: Notice, progress: NoticeProgress) {
    self.id = id
    self.channel = channel
    self.notice = notice
    self.progress = progress
  }
}

/// How far the delivery of a notice is.
package struct NoticeProgress: Equatable, Sendable {
  package var attempts = 0
  /// nil once it is delivered or given up.
  package var nextAttempt: Timestamp?
  package var delivered: Timestamp?
  /// Why the last attempt failed; nil when none did.
  package var failure: String?

  package init() {}
}

/// Keeps channels, and the queue and history of their notifications. Called from any thread;
/// blocks.
///
/// The queue is durable: a notice waits until ``record(_:of:)`` says that it is delivered or given
/// up, so that one whose delivery was cut off is delivered again.
package protocol NoticeStore: Sendable {
  /// The channels of an organization, or of all, in the order of their making.
  func channels(of organization: OrganizationID?) throws(StoreError) -> [NoticeChannel]

  /// A name that is taken is a ``StoreError/conflict(_:)``.
  func createChannel(
    organization: OrganizationID, name: String, kind: NoticeChannel.Kind, settings: String,
    at now: Timestamp
  ) throws(StoreError) -> NoticeChannel

  /// Changes name and settings. A name that is taken is a ``StoreError/conflict(_:)``; a channel
  /// that alert rules name keeps its name (``StoreError/channelInUse(rules:)``).
  ///
  /// - Returns: false when the channel is not there.
  func updateChannel(_ channel: NoticeChannel) throws(StoreError) -> Bool

  /// Deletes a channel with its notices, those that wait too. One that alert rules name stays
  /// (``StoreError/channelInUse(rules:)``).
  ///
  /// - Returns: false when it is not there.
  func deleteChannel(_ id: Int64) throws(StoreError) -> Bool

  /// The changes of levels whose notices are not in the queue yet, in their order. They are as
  /// durable as the incidents that they belong to.
  func alertTransitions() throws(StoreError) -> [AlertTransition]

  /// Puts the notice of a transition into the queues of its channels, due at once, and drops the
  /// transition, in one transaction. A queue that has the key already stays as it is, and so do all
  /// where another call was first. The end of an incident goes where its beginning went.
  func enqueue(_ notice: Notice, of transition: AlertTransition) throws(StoreError)

  /// The channels with a notice that is due, and the notice that each begins with: the oldest that
  /// waits, whether itself is due or not. So a channel gets its notices in their order, and a new
  /// one has an older one tried again at once.
  func dueNotices(at now: Timestamp) throws(StoreError) -> [NoticeRecord]

  /// When the next notice is due; nil when none waits.
  func nextNoticeDue() throws(StoreError) -> Timestamp?

  /// Records an attempt to deliver a notification. Where it has to wait, what waits behind it in
  /// its channel waits with it.
  func record(_ progress: NoticeProgress, of notice: NoticeRecord) throws(StoreError)

  /// Writes down a notice that never waited.
  ///
  /// - Returns: its number.
  func addToHistory(
    _ notice: Notice, channel: Int64, _ progress: NoticeProgress
  ) throws(StoreError) -> Int64

  /// The notices of an organization, or of one of its channels, newest first.
  func notices(
    of organization: OrganizationID, channel: Int64?, offset: Int, limit: Int
  ) throws(StoreError) -> [NoticeRecord]
}
