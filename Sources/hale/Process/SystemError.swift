import Glibc
import Outbound

/// A call to the system that failed: what was tried, on what, and the system's number for why.
struct SystemError: Error, CustomStringConvertible {
  /// As the end of “cannot …”, for example `open`.
  let operation: String
  let subject: String
  let number: Int32

  /// - Parameter number: the error's number; where it is left out, that of the last call.
  init(_ operation: String, _ subject: String, number: Int32 = errno) {
    self.operation = operation
    self.subject = subject
    self.number = number
  }

  var description: String { "cannot \(operation) \(subject): \(errorText(number))" }
}
