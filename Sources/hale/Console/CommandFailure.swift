import Outbound
import Storage

/// The failure of a command: a sentence for its user, and the exit status.
struct CommandFailure: Error {
  let message: String
  let exitStatus: Int32

  /// A valid command that failed: exit status 1.
  static func failed(_ message: String) -> CommandFailure {
    CommandFailure(message: message, exitStatus: 1)
  }

  /// Wrong usage of a command: exit status 64.
  static func usage(_ message: String) -> CommandFailure {
    CommandFailure(message: message, exitStatus: 64)
  }
}

extension CommandFailure {
  /// The failure for an error of Hale's own; nil for those of the argument parser.
  init?(_ error: any Error) {
    switch error {
    case let failure as CommandFailure: self = failure
    case let error as StoreError: self = .failed(error.advisedSentence)
    case let error as SystemError: self = .failed(error.description + ".")
    case let error as OutboundFailure: self = .failed(error.sentence)
    default: return nil
    }
  }
}

extension StoreError {
  /// The sentence with what its reader can do by commands.
  fileprivate var advisedSentence: String {
    switch self {
    case .corrupt:
      sentence
        + " It is left as it is: keep it, look at it with `hale verify`, and put a backup in "
        + "its place with `hale restore`."
    case .newerSchema: sentence + "; run the newer hale, or restore a backup"
    case .foreignDatabase: sentence + "; choose another"
    case .interruptedChange: sentence + "; start `hale serve` once, which completes or undoes it"
    case .ruleDeclared: sentence + " (--alerts): change it there"
    default: sentence
    }
  }
}
