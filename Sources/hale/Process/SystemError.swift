import Glibc
import Outbound

/// A failed system call: the operation, its subject and the error number.
struct SystemError: Error, CustomStringConvertible {
  /// The operation as the end of “cannot …”, for example `open`.
  let operation: String
  let subject: String
  let number: Int32

  /// - Parameter number: the error number; errno by default.
  init(_ operation: String, _ subject: String, number: Int32 = errno) {
    self.operation = operation
    self.subject = subject
    self.number = number
  }

  var description: String { "cannot \(operation) \(subject): \(errorText(number))" }
}
