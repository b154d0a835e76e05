internal import CSpawn
internal import Glibc

/// A program to run, with bytes for its standard input.
package struct Program: Sendable {
  package var path: String
  package var environment: [(name: String, value: String)]
  package var input: [UInt8]
  package var timeoutMilliseconds: Int

  package init(
    path: String, environment: [(name: String, value: String)], input: [UInt8],
    timeoutMilliseconds: Int = 15_000
  ) {
    self.path = path
    self.environment = environment
    self.input = input
    self.timeoutMilliseconds = timeoutMilliseconds
  }

  /// Whether the program exists and is executable.
  package var isThere: Bool {
    unsafe access(path, X_OK) == 0
  }
}

extension OutboundClient {
  /// Runs a program and waits for it to exit with 0. After the time limit its process group is
  /// killed.
  package func run(_ program: Program) throws(OutboundFailure) {
    try RunningProgram(program).wait()
  }
}

/// A running program.
private final class RunningProgram {
  private let name: String
  private let program: Program
  private let process: pid_t
  /// This process's ends of the pipes; -1 once closed.
  private var input: Int32
  private let output: Int32
  private var inputPosition = 0
  private var printed: [UInt8] = []

  /// The size limit of the output that is kept for an error.
  private static let printedBytesMax = 1000

  init(_ program: Program) throws(OutboundFailure) {
    self.program = program
    name = program.path.split(separator: "/").last.map(String.init) ?? program.path
    guard let stdin = Self.makePipe() else {
      throw OutboundFailure("\(name): cannot create a pipe:  \(errorText(errno))")
    }
    guard let stdout = Self.makePipe() else {
      let number = errno
      close(stdin.read)
      close(stdin.write)
      throw OutboundFailure("\(name): cannot create a pipe:  \(errorText(number))")
    }
    let (number, process) = Self.spawn(program, stdin: stdin.read, stdout: stdout.write)
    close(stdin.read)
    close(stdout.write)
    input = stdin.write
    output = stdout.read
    self.process = process
    _ = fcntl(input, F_SETFL, O_NONBLOCK)
    _ = fcntl(output, F_SETFL, O_NONBLOCK)
    guard number == 0 else {
      throw OutboundFailure("\(name) cannot be started: \(errorText(number))")
    }
  }

  deinit {
    if input >= 0 { close(input) }
    close(output)
  }

  func wait() throws(OutboundFailure) {
    let deadline = Self.monotonicMilliseconds() + program.timeoutMilliseconds
    var status: Int32 = 0
    while true {
      pump(milliseconds: 20)
      let ended = unsafe waitpid(process, &status, WNOHANG)
      if ended == process || (ended < 0 && errno == ECHILD) { break }
      if Self.monotonicMilliseconds() >= deadline {
        kill(-process, SIGKILL)
        unsafe waitpid(process, &status, 0)
        throw OutboundFailure("\(name) took longer than \(program.timeoutMilliseconds / 1000) s")
      }
    }
    pump(milliseconds: 0)
    // wait(2): the low seven bits name the signal, the eight above them the exit status.
    if status == 0 { return }
    let signal = status & 0x7f
    let end = signal == 0 ? "exited with \(status >> 8 & 0xff)" : "was killed by signal \(signal)"
    let words = String(decoding: printed, as: UTF8.self).split(whereSeparator: \.isNewline)
    throw OutboundFailure(words.isEmpty ? "\(name) \(end)" : "\(name) \(end): \(words[0])")
  }

  /// Moves the bytes that the pipes are ready for.
  private func pump(milliseconds: Int32) {
    var watched = [
      pollfd(fd: input, events: Int16(POLLOUT), revents: 0),
      pollfd(fd: output, events: Int16(POLLIN), revents: 0),
    ]
    _ = unsafe poll(&watched, 2, milliseconds)
    if input >= 0, watched[0].revents != 0 { writeInput() }
    // At most what a pipe holds, so that endless output does not block.
    for _ in 0..<16 {
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = unsafe read(output, &buffer, buffer.count)
      if count <= 0 {
        // After the end of the output, poll would return at once until the program exits.
        if count == 0, milliseconds > 0 { usleep(UInt32(milliseconds) * 1000) }
        return
      }
      printed += buffer.prefix(min(count, Self.printedBytesMax - printed.count))
    }
  }

  private func writeInput() {
    let left = program.input.count - inputPosition
    let count = unsafe program.input.withUnsafeBytes { bytes in
      unsafe write(input, bytes.baseAddress?.advanced(by: inputPosition), left)
    }
    if count > 0 { inputPosition += count }
    // A program that does not read its input may still succeed.
    let isOver = inputPosition == program.input.count || (count < 0 && errno != EAGAIN)
    if isOver {
      close(input)
      input = -1
    }
  }

  private static func monotonicMilliseconds() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
  }

  private static func makePipe() -> (read: Int32, write: Int32)? {
    var ends: [Int32] = [-1, -1]
    return unsafe pipe(&ends) == 0 ? (ends[0], ends[1]) : nil
  }

  private static func spawn(
    _ program: Program, stdin: Int32, stdout: Int32
  ) -> (number: Int32, process: pid_t) {
    // A program that exits without reading must not end the service by SIGPIPE.
    signal(SIGPIPE, SIG_IGN)
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, stdin, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, stdout, 1)
    unsafe posix_spawn_file_actions_adddup2(&actions, stdout, 2)
    // The program inherits no descriptors of the service, nor the pipes of other programs.
    unsafe cspawn_close_from(&actions, 3)
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    // A process group of its own, to be killed as a whole, and default signal handling.
    var none = sigset_t()
    unsafe sigemptyset(&none)
    var all = sigset_t()
    unsafe sigfillset(&all)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &all)
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    unsafe posix_spawnattr_setflags(
      &attributes,
      Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let environment = program.environment.map {
      "\($0.name)=\($0.value.replacing("\0", with: " "))"
    }
    var process = pid_t()
    let number = unsafe withCStrings([program.path]) { arguments in
      unsafe withCStrings(environment) { variables in
        unsafe posix_spawn(&process, program.path, &actions, &attributes, arguments, variables)
      }
    }
    return (number, process)
  }
}

/// Passes the texts as an array of C strings that ends with nil.
private func withCStrings<Result>(
  _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
  let copies = unsafe texts.map { unsafe strdup($0) }
  defer { unsafe copies.forEach { unsafe free($0) } }
  return unsafe body(copies + [nil])
}
