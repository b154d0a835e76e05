import CMalloc

/// Settings of the C library's allocator for a service (mallopt(3)).
enum Allocator {
  /// Must be called before the first thread starts.
  static func configure() {
    // The response of a query takes some megabytes, freed when it is sent. Returning its pages to
    // the kernel each time doubles the time of a query for 14 days by hour.
    mallopt(M_TRIM_THRESHOLD, 16 << 20)
    // One arena for the listener's loop and one for the other threads, so that they reuse the
    // memory that another thread freed.
    mallopt(M_ARENA_MAX, 2)
  }
}
