package import ReleaseHealth

/// A notification of a change of an alert rule's level.
package struct Notice: Equatable, Sendable {
  package enum Action: String, CaseIterable, Sendable {
    case critical
    case warning
    case resolved
    /// Somebody tries whether a channel works.
    case test
  }

  /// Identifies the change: the same in every channel and at every attempt, so that a
  /// receiver that gets it twice can tell.
  package var key: String
  package var action: Action
  /// For example `Critical: Crash-free sessions of shop`.
  package var title: String
  /// What happened, in one or two sentences.
  package var text: String
  /// The page to look at; nil while the service knows no address of its own.
  package var webURL: String?
  /// What it is about, as a JSON object: `metric_alert` of Sentry's webhook.
  package var subject: String
  package var created: Timestamp

  package init(
    key: String, action: Action, title: String, text: String, webURL: String?, subject: String,
    created: Timestamp
  ) {
    self.key = key
    self.action = action
    self.title = title
    self.text = text
    self.webURL = webURL
    self.subject = subject
    self.created = created
  }
}
