import Foundation

/// Memory pages of code that only the start of the service needs, or an hourly job.
///
/// The kernel maps sixteen pages around each page that is touched, so that reading arguments and
/// settings leaves half of the program's code resident. Code that runs again returns from the page
/// cache.
enum StartPages {
  /// Releases all code. Constants stay, because the linker has written addresses into some.
  static func letGo() {
    guard let maps = FileManager.default.contents(atPath: "/proc/self/maps") else { return }
    for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
      guard let range = ownPages(line) else { continue }
      unsafe madvise(
        UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
    }
  }

  /// The addresses of a line of proc_pid_maps(5) that maps the code of a file.
  static func ownPages(_ line: Substring) -> Range<UInt>? {
    let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
    guard fields.count == 6, fields[1] == "r-xp",
      fields[5].drop(while: { $0 == " " }).hasPrefix("/")
    else { return nil }
    let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
    return ends.count == 2 && ends[0] < ends[1] ? ends[0]..<ends[1] : nil
  }
}
