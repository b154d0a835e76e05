import Dispatch
import Glibc

/// A thread that can be waited for. Foundation's would add ICU to the binary.
final class ServiceThread: Sendable {
  private let body: @Sendable () -> Void
  private let ended = DispatchSemaphore(value: 0)

  /// Starts the thread.
  init(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
    self.body = body
    let argument = unsafe Unmanaged.passRetained(self)
    var thread = pthread_t()
    let number = unsafe pthread_create(
      &thread, nil,
      { argument in
        if let argument = unsafe argument {
          unsafe Unmanaged<ServiceThread>.fromOpaque(argument).takeRetainedValue().run()
        }
        return nil
      }, argument.toOpaque())
    guard number == 0 else {
      unsafe argument.release()
      throw SystemError("start", "a thread", number: number)
    }
    pthread_detach(thread)
  }

  /// Waits until the thread has ended. Once only.
  func join() {
    ended.wait()
  }

  private func run() {
    body()
    ended.signal()
  }
}
