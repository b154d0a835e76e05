import Outbound
import Storage

/// Why a command could not do what it was asked: a sentence for its user, and the exit status.
struct CommandFailure: Error {
  let message: String
  let exitStatus: Int32

  /// The command was well said and did not work out: exit status 1.
  static func failed(_ message: String) -> CommandFailure {
    CommandFailure(message: message, exitStatus: 1)
  }

  /// The command was not well said: exit status 64.
  static func usage(_ message: String) -> CommandFailure {
    CommandFailure(message: message, exitStatus: 64)
  }
}

extension CommandFailure {
  /// A failure of Hale's own, said in a sentence; nil for those of the argument parser.
  init?(_ error: any Error) {
    switch error {
    case let failure as CommandFailure: self = failure
    case let error as StoreError: self = .failed(error.sentence)
    case let error as SystemError: self = .failed(error.description + ".")
    case let error as OutboundFailure: self = .failed(error.sentence)
    default: return nil
    }
  }
}
