import CEpoll
import Foundation

/// The events of a descriptor.
struct Readiness {
  var token: UInt64
  var isReadable: Bool
  var isWritable = false
  /// Both directions are closed.
  var isHungUp = false
  /// The connection has an error.
  var isFailed = false
}

/// The requested events; errors and closed connections are always reported.
struct Interest: OptionSet {
  let rawValue: UInt32

  static let read = Interest(rawValue: EPOLLIN.rawValue)
  static let write = Interest(rawValue: EPOLLOUT.rawValue)
}

/// Waits for events of many descriptors, and can be woken from another thread. It is
/// level-triggered: unread input is reported again.
struct Poller: ~Copyable, Sendable {
  /// The token of ``wake()``.
  static let wakeToken = UInt64.max

  private let syscalls: Syscalls
  private let descriptor: FileDescriptor
  private let event: FileDescriptor

  init(_ syscalls: Syscalls) throws(SystemError) {
    let descriptor = try syscalls.createPoller()
    let event = try syscalls.createEvent()
    // Edge-triggered, so that the counter need not be read: each write causes an event.
    try syscalls.controlPoller(
      descriptor, EPOLL_CTL_ADD, event, events: EPOLLIN.rawValue | EPOLLET.rawValue,
      token: Poller.wakeToken)
    self.syscalls = syscalls
    self.descriptor = descriptor
    self.event = event
  }

  func add(
    _ other: borrowing FileDescriptor, _ interest: Interest, token: UInt64
  ) throws(SystemError) {
    try syscalls.controlPoller(
      descriptor, EPOLL_CTL_ADD, other, events: interest.rawValue, token: token)
  }

  func change(
    _ other: borrowing FileDescriptor, _ interest: Interest, token: UInt64
  ) throws(SystemError) {
    try syscalls.controlPoller(
      descriptor, EPOLL_CTL_MOD, other, events: interest.rawValue, token: token)
  }

  /// Wakes the waiting thread; callable from any thread.
  func wake() throws(SystemError) {
    try syscalls.signalEvent(event)
  }

  /// Waits for events.
  ///
  /// - Parameter timeoutMilliseconds: the maximum wait; -1 for no limit.
  func wait(_ events: PollerEvents, timeoutMilliseconds: Int32) throws(SystemError) {
    events.count = 0
    events.count = try unsafe syscalls.waitForEvents(
      descriptor, into: events.storage, timeoutMilliseconds: timeoutMilliseconds)
  }
}

/// The reusable buffer for the events of one wait.
@safe
final class PollerEvents {
  /// The maximum number of events of one wait, and so of connections that get their turn in order.
  private static let countMax = 8192

  fileprivate let storage: UnsafeMutableBufferPointer<epoll_event>
  fileprivate(set) var count = 0

  init() {
    unsafe storage = .allocate(capacity: PollerEvents.countMax)
    unsafe storage.initialize(repeating: epoll_event())
  }

  deinit {
    unsafe storage.deallocate()
  }

  subscript(_ index: Int) -> Readiness {
    precondition(index < count, "Only what the last wait found.")
    let event = unsafe storage[index]
    let events = unsafe event.events
    return Readiness(
      token: unsafe event.data.u64,
      isReadable: events & EPOLLIN.rawValue != 0,
      isWritable: events & EPOLLOUT.rawValue != 0,
      isHungUp: events & EPOLLHUP.rawValue != 0,
      isFailed: events & EPOLLERR.rawValue != 0)
  }
}
