import Glibc

/// The limit of open file descriptors.
enum DescriptorLimit {
  /// Raises the soft limit to the hard one: the usual soft limit of 1024, meant for programs that
  /// use `select`, allows fewer connections than the service can serve.
  static func raise() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
