import Glibc

/// Writes one line to standard output, and at once: who reads it waits for it.
func printLine(_ line: String) throws(CommandFailure) {
  guard writeAll(line + "\n", to: STDOUT_FILENO) else {
    throw .failed(SystemError("write to", "standard output").description + ".")
  }
}

/// Writes one line to standard error.
func printNotice(_ line: String) {
  // Where standard error is gone there is nobody left to tell.
  _ = writeAll(line + "\n", to: STDERR_FILENO)
}

/// Writes names and values below each other: two or more spaces part them.
func printPairs(_ pairs: [(name: String, value: String)]) throws(CommandFailure) {
  let width = pairs.map(\.name.count).max() ?? 0
  for (name, value) in pairs {
    let padding = String(repeating: " ", count: width - name.count + 2)
    try printLine(name + padding + value)
  }
}

/// Writes a table with a line of titles, its columns aligned.
func printColumns(_ titles: [String], _ rows: [[String]]) throws(CommandFailure) {
  let lines = [titles] + rows
  let widths = titles.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
  for line in lines {
    var text = ""
    for (column, cell) in line.enumerated() {
      let isLast = column == line.count - 1
      text += isLast ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 2)
    }
    try printLine(text)
  }
}

/// Writes all of a text in as few calls as the system allows.
///
/// - Returns: whether all of it was taken; errno says why not.
func writeAll(_ text: String, to descriptor: Int32) -> Bool {
  var text = text
  return text.withUTF8 { bytes in
    var written = 0
    while written < bytes.count {
      let count = unsafe write(
        descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        return false
      }
    }
    return true
  }
}
