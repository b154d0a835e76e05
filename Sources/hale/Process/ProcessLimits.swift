import CMalloc
import Glibc
import HTTP
import Listener
import Logging

/// Settings of a service's process.
enum ProcessLimits {
  /// Configures the C library's allocator (mallopt(3)). Must be called before the first thread
  /// starts.
  static func configureAllocator() {
    // The response of a query takes some megabytes, freed when it is sent. Returning its pages to
    // the kernel each time doubles the time of a query for 14 days by hour.
    mallopt(M_TRIM_THRESHOLD, 16 << 20)
    // One arena for the listener's loop and one for the other threads, so that they reuse the
    // memory that another thread freed.
    mallopt(M_ARENA_MAX, 2)
  }

  /// Raises the soft limit of open descriptors to the hard one: the usual soft limit of 1024, meant
  /// for programs that use `select`, allows fewer connections than the service can serve.
  static func raiseDescriptors() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  /// Logs what a low limit of open descriptors allows.
  static func note(_ limit: ConnectionLimit, _ log: Logger) {
    let usual = HTTPLimits().connectionsMax
    guard limit.connections < usual else { return }
    log.warning(
      "file descriptor limit is low",
      metadata: [
        "limit": "\(limit.descriptors)", "connections": "\(limit.connections)",
        "hint": "\(usual) connections need a limit of \(usual + 256): ulimit -n, LimitNOFILE",
      ])
  }
}
