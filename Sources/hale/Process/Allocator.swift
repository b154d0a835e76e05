import CMalloc

/// How the C library's allocator is used by a service (mallopt(3)).
enum Allocator {
  /// Before the first thread starts.
  static func configure() {
    // A question's answer is some megabytes, given back when it is sent. Given back to the kernel
    // each time, its pages cost as much as the question: twice the time of 14 days by hour.
    mallopt(M_TRIM_THRESHOLD, 16 << 20)
    // One arena for the loop and one for the others: memory that one thread let go of is there for
    // the next.
    mallopt(M_ARENA_MAX, 2)
  }
}
