import CMalloc
import Glibc

/// The memory that an idle service returns to the system.
enum IdleMemory {
  /// Returns the free memory of the allocator, and the code pages of the program and its libraries.
  ///
  /// The kernel maps sixteen pages around each page of code that is touched, so that reading
  /// arguments and settings leaves half of the program's code resident. What is used again comes
  /// back from the page cache: once a minute that costs less than a millisecond.
  static func release() {
    malloc_trim(0)
    guard let maps = try? readFile("/proc/self/maps", bytesMax: 1 << 20) else { return }
    for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
      guard let range = code(line) else { continue }
      unsafe madvise(
        UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
    }
  }

  /// The addresses of a line of proc_pid_maps(5) that maps the code of a file. Constants are not
  /// among them: the linker has written addresses into some of their pages.
  static func code(_ line: Substring) -> Range<UInt>? {
    let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
    guard fields.count == 6, fields[1] == "r-xp",
      fields[5].drop(while: { $0 == " " }).hasPrefix("/")
    else { return nil }
    let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
    return ends.count == 2 && ends[0] < ends[1] ? ends[0]..<ends[1] : nil
  }
}
