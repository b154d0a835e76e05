import Glibc

/// How many descriptors the process may have open.
enum DescriptorLimit {
  /// Raises the soft limit to the hard one: the soft one is kept at 1024 for programs that use
  /// `select`, and would hold the service to fewer connections than it can serve.
  static func raise() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
