import Foundation

/// The reason why the server cannot listen.
package enum ListenerError: Error, Equatable, CustomStringConvertible {
  /// The text is not an address.
  case invalidAddress(String)
  /// The host is unknown.
  case unknownHost(String, reason: String)
  /// A system call failed for the address.
  case system(SystemError, address: String)
  /// Another process listens on the control socket.
  case controlPathInUse(String)
  /// The path of the control socket is taken by another kind of file.
  case controlPathIsNoSocket(String)
  /// The last part of the path is longer than the system allows.
  case controlPathTooLong(String)

  package var description: String {
    switch self {
    case .invalidAddress(let text):
      "\(text): not an address; write HOST:PORT, for example 127.0.0.1:8787 or [::1]:8787"
    case .unknownHost(let host, let reason):
      "\(host): \(reason); check the name, or write the address in numbers"
    case .system(let error, let address) where error.code == EADDRINUSE:
      "\(address): \(error); end what listens there, or choose another port"
    case .system(let error, let address):
      "\(address): \(error)"
    case .controlPathInUse(let path):
      "\(path): another process answers there; is the server running already?"
    case .controlPathIsNoSocket(let path):
      "\(path): exists and is no socket; remove it, or choose another place"
    case .controlPathTooLong(let path):
      "\(path): the file name of a socket is limited to 80 bytes; choose a shorter one"
    }
  }
}
