/// A value behind a mutex.
///
/// The mutex is the standard library's. Builds for the thread sanitizer use another one: the
/// standard library is compiled without it, so every access behind its mutex looks like a race.

#if SANITIZE_THREAD
  import Glibc

  /// A value that one thread at a time reaches.
  ///
  /// @unchecked because only the holder of the lock reaches the value.
  @safe
  public struct Locked<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    public init(_ initial: consuming sending Value) {
      unsafe lock = .allocate(capacity: 1)
      unsafe lock.initialize(to: pthread_mutex_t())
      unsafe pthread_mutex_init(lock, nil)
      unsafe value = .allocate(capacity: 1)
      unsafe value.initialize(to: initial)
    }

    deinit {
      unsafe value.deinitialize(count: 1)
      unsafe value.deallocate()
      unsafe pthread_mutex_destroy(lock)
      unsafe lock.deallocate()
    }

    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      unsafe pthread_mutex_lock(lock)
      defer { unsafe pthread_mutex_unlock(lock) }
      return try unsafe body(&value.pointee)
    }
  }
#else
  public import Synchronization

  /// A value that one thread at a time reaches.
  ///
  /// It is public because the compiler inlines only public code into other modules. Otherwise each
  /// use looks the type of the mutex up in the runtime, which takes longer than the lock: 0.1 us.
  public struct Locked<Value: ~Copyable>: ~Copyable, Sendable {
    @usableFromInline let mutex: Mutex<Value>

    @inlinable
    public init(_ initial: consuming sending Value) {
      mutex = Mutex(initial)
    }

    @inlinable
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      try mutex.withLock(body)
    }
  }
#endif
