import Bytes
import Glibc

// All text for people goes through here, and hidden characters in it become visible: names and
// errors may be others'.

/// Writes one line to standard output without buffering.
func printLine(_ line: String) throws(CommandFailure) {
  guard writeAll(line.visible + "\n", to: STDOUT_FILENO) else {
    throw .failed(SystemError("write to", "standard output").description + ".")
  }
}

/// Writes one line to standard error.
func printNotice(_ line: String) {
  // Nothing can be done where standard error is closed.
  _ = writeAll(line.visible + "\n", to: STDERR_FILENO)
}

/// Writes one line for each name and value, with the values aligned.
func printPairs(_ pairs: [(name: String, value: String)]) throws(CommandFailure) {
  let width = pairs.map(\.name.count).max() ?? 0
  for (name, value) in pairs {
    let padding = String(repeating: " ", count: width - name.count + 2)
    try printLine(name + padding + value)
  }
}

/// Writes a table with a header line and aligned columns.
func printColumns(_ titles: [String], _ rows: [[String]]) throws(CommandFailure) {
  let lines = ([titles] + rows).map { $0.map(\.visible) }
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

/// Writes a text with as few system calls as possible.
///
/// - Returns: whether all of it was written; errno has the reason if not.
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
