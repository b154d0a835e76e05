import Foundation
import Locks

/// The file of a control socket. It replaces a stale socket of a server that ended, and is removed
/// with this object.
final class ControlFile: Sendable {
  /// The identity of the file, so that another file with the same name is not removed.
  private struct Identity: Equatable {
    var device: UInt64
    var inode: UInt64
  }

  private let syscalls: Syscalls
  /// The directory stays open, so that the file is found from any working directory.
  private let directory: FileDescriptor
  private let name: String
  private let address: SocketAddress
  private let bound = Locked<Identity?>(nil)

  /// Makes sure that the path is free; removes a stale socket.
  init(_ path: String, _ syscalls: Syscalls) throws(ListenerError) {
    guard let last = path.split(separator: "/").last, !path.hasSuffix("/"), !path.utf8.contains(0)
    else { throw .invalidAddress(path) }
    let directoryPath = String(path.dropLast(last.count))
    do throws(SystemError) {
      directory = try syscalls.openDirectory(directoryPath.isEmpty ? "." : directoryPath)
    } catch {
      throw .system(error, address: path)
    }
    // The system accepts 107 bytes of a path (unix(7)). A longer one is named relative to the open
    // directory, so only its last part has to be short.
    let short = "/proc/self/fd/\(directory.rawValue)/\(last)"
    guard let address = SocketAddress(path: path) ?? SocketAddress(path: short) else {
      throw .controlPathTooLong(path)
    }
    self.address = address
    self.syscalls = syscalls
    name = String(last)
    try removeStale(path)
  }

  /// Binds the socket to the path, which creates the file.
  func bind(_ descriptor: borrowing FileDescriptor) throws(SystemError) {
    try syscalls.bindSocket(descriptor, address)
    let status = try syscalls.status(name, in: directory)
    bound.withLock { $0 = status.map(identity) }
  }

  deinit {
    guard let identity = bound.withLock({ $0 }) else { return }
    do throws(SystemError) {
      let status = try syscalls.status(name, in: directory)
      if status.map(self.identity) == identity { try syscalls.unlink(name, in: directory) }
    } catch {
      // A file that cannot be removed is stale, and the next server removes it.
    }
  }

  private func identity(_ status: stat) -> Identity {
    Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  private enum Occupant {
    case none
    case stale
    case listener
    case file
  }

  private func removeStale(_ path: String) throws(ListenerError) {
    let found: Occupant
    do throws(SystemError) {
      found = try occupant()
      if found == .stale { try syscalls.unlink(name, in: directory) }
    } catch {
      throw .system(error, address: path)
    }
    switch found {
    case .none, .stale: return
    case .listener: throw .controlPathInUse(path)
    case .file: throw .controlPathIsNoSocket(path)
    }
  }

  private func occupant() throws(SystemError) -> Occupant {
    guard let status = try syscalls.status(name, in: directory) else { return .none }
    guard status.st_mode & S_IFMT == S_IFSOCK else { return .file }
    let probe = try syscalls.openSocket(AF_UNIX)
    do throws(SystemError) {
      try syscalls.connectSocket(probe, address)
      return .listener
    } catch {
      switch error.code {
      case ECONNREFUSED: return .stale
      case ENOENT: return .none
      // The backlog of the other server is full: it is running.
      case EAGAIN: return .listener
      default: throw error
      }
    }
  }
}
