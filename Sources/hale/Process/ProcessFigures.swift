import Listener
import Metrics
import Glibc

extension ProcessFigures {
  /// Reads the other figures from /proc and the system.
  init(of databasePath: String, _ listener: Listener, pendingUpdates: Int) {
    self.init()
    connections = Int64(listener.connectionCount)
    heldBytes = Int64(listener.heldBytes)
    closedConnections = Listener.ClosingReason.allCases.map {
      ($0.rawValue, listener.closedCount($0))
    }
    self.pendingUpdates = Int64(pendingUpdates)
    version = haleVersion
    databaseBytes = FileIdentity(path: databasePath)?.size ?? 0
    logBytes = FileIdentity(path: databasePath + "-wal")?.size ?? 0
    readProcess()
    var usage = rusage()
    if unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
      cpuSeconds = Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime)
    }
    var limit = rlimit()
    if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      descriptorsMax = Int64(clamping: limit.rlim_cur)
    }
    openDescriptors = Int64(Self.entries(of: "/proc/self/fd"))
  }

  private static func seconds(_ time: timeval) -> Double {
    Double(time.tv_sec) + Double(time.tv_usec) / 1e6
  }

  /// Reads /proc/self/stat. proc(5): field 22 is the start in ticks since boot, 23 the bytes of
  /// address space, 24 the resident pages. Field 2 is a name in parentheses, which may have blanks.
  private mutating func readProcess() {
    let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
    guard let text = Self.text(of: "/proc/self/stat"), let name = text.lastIndex(of: ")") else {
      return
    }
    let fields = text[name...].split(separator: " ").dropFirst().map { Double($0) ?? 0 }
    guard fields.count > 21 else { return }
    virtualBytes = Int64(fields[20])
    residentBytes = Int64(fields[21]) * Int64(sysconf(Int32(_SC_PAGESIZE)))
    let uptime = Self.text(of: "/proc/uptime")?.split(separator: " ").first.flatMap { Double($0) }
    startSeconds = Double(time(nil)) - (uptime ?? 0) + fields[19] / ticks
  }

  private static func text(of path: String) -> String? {
    (try? readFile(path, bytesMax: 1 << 16)).map { String(decoding: $0, as: UTF8.self) }
  }

  private static func entries(of path: String) -> Int {
    guard let directory = unsafe opendir(path) else { return 0 }
    defer { unsafe closedir(directory) }
    var count = 0
    while unsafe readdir(directory) != nil { count += 1 }
    // Minus `.`, `..` and the descriptor of the directory itself.
    return max(0, count - 3)
  }
}
