internal import CCurl

/// What leaves the house: HTTP calls, mails, programs.
///
/// Invariant of this module: values in, an outcome out; it blocks the thread that calls it, and knows
/// nothing of what it sends.

/// libcurl, loaded when it is first needed.
///
/// @unchecked because nothing of it changes, and addresses of functions are good on every thread.
@safe
final class Curl: @unchecked Sendable {
  let functions: ccurl_library

  private init(_ functions: ccurl_library) {
    self.functions = functions
  }

  /// The library, or why there is none.
  static let shared: Result<Curl, OutboundFailure> = {
    var functions = ccurl_library()
    if let reason = unsafe ccurl_open(&functions) {
      return .failure(
        OutboundFailure(
          "libcurl cannot be used (\(unsafe String(cString: reason))): install it; Debian and Ubuntu "
            + "call it libcurl4"))
    }
    return .success(Curl(functions))
  }()
}

/// What makes transfers, one after the other, and keeps connections open between them.
///
/// It is used by one thread.
@safe
final class CurlHandle {
  fileprivate let functions: ccurl_library
  fileprivate let easy: UnsafeMutableRawPointer

  init() throws(OutboundFailure) {
    functions = try Curl.shared.get().functions
    guard let easy = unsafe ccurl_init(functions) else {
      throw OutboundFailure("libcurl has no memory")
    }
    unsafe self.easy = easy
  }

  deinit {
    unsafe ccurl_cleanup(functions, easy)
  }
}

/// One transfer: options, then ``perform()`` or ``post(_:)``. Used by one thread.
@safe
final class Transfer {
  private let handle: CurlHandle
  private var functions: ccurl_library { handle.functions }
  private var easy: UnsafeMutableRawPointer { unsafe handle.easy }
  private var lists: [UnsafeMutablePointer<curl_slist>] = unsafe []
  private let message: UnsafeMutablePointer<CChar>

  /// What errors call the other side.
  let name: String
  fileprivate let addresses: AddressPolicy
  /// The host as the URL names it.
  fileprivate let host: String
  private let isMail: Bool
  /// What is sent, and how much of it was.
  private var input: [UInt8] = []
  private var inputPosition = 0
  /// What came.
  fileprivate(set) var output: [UInt8] = []
  fileprivate(set) var headerLines: [String] = []
  fileprivate(set) var isCut = false
  /// What comes beyond is not read.
  var outputBytesMax = 16 << 10
  /// The address that the policy refused.
  fileprivate var refused: NetworkAddress?

  private static let headerLinesMax = 200

  /// - Parameter handle: no other transfer is on it meanwhile.
  init(
    on handle: CurlHandle, url: String, name: String, addresses: AddressPolicy, isMail: Bool
  ) {
    self.handle = handle
    self.name = name
    host = Outlet.host(of: url)
    self.addresses = addresses
    self.isMail = isMail
    unsafe message = .allocate(capacity: Int(CURL_ERROR_SIZE))
    unsafe message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    unsafe set(CURLOPT_ERRORBUFFER, pointer: UnsafeMutableRawPointer(message))
    set(CURLOPT_URL, url)
    _ = unsafe ccurl_limit_protocols(functions, easy, isMail ? 1 : 0)
    // A proxy of the environment would connect for us, to wherever the name leads it.
    set(CURLOPT_PROXY, "")
    // Threads get no signals; names are then looked up by a thread of the library.
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_FOLLOWLOCATION, 0)
    set(CURLOPT_SSL_VERIFYPEER, 1)
    set(CURLOPT_SSL_VERIFYHOST, 2)
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe set(CURLOPT_OPENSOCKETDATA, pointer: context)
    _ = unsafe ccurl_set_socket(functions, easy, socketIsAskedFor)
    unsafe set(CURLOPT_WRITEDATA, pointer: context)
    unsafe set(CURLOPT_HEADERDATA, pointer: context)
    _ = unsafe ccurl_set_bytes(functions, easy, CURLOPT_WRITEFUNCTION, bytesCame)
    _ = unsafe ccurl_set_bytes(functions, easy, CURLOPT_HEADERFUNCTION, headerFieldCame)
  }

  deinit {
    // The handle stays, and forgets what is freed here.
    unsafe ccurl_reset(functions, easy)
    unsafe lists.forEach { unsafe ccurl_free(functions, $0) }
    unsafe message.deallocate()
  }

  func set(_ option: CURLoption, _ text: String) {
    _ = unsafe ccurl_set_text(functions, easy, option, text)
  }

  func set(_ option: CURLoption, _ number: Int) {
    _ = unsafe ccurl_set_long(functions, easy, option, number)
  }

  func set(_ option: CURLoption, size: Int) {
    _ = unsafe ccurl_set_size(functions, easy, option, Int64(size))
  }

  private func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer) {
    _ = unsafe ccurl_set_pointer(functions, easy, option, pointer)
  }

  /// Sets a list of texts. What could end a line early becomes a space.
  func set(_ option: CURLoption, list texts: [String]) {
    var list: UnsafeMutablePointer<curl_slist>?
    for text in texts {
      unsafe list = unsafe ccurl_append(functions, list, oneLine(text))
    }
    guard let list = unsafe list else { return }
    unsafe lists.append(list)
    unsafe set(option, pointer: UnsafeMutableRawPointer(list))
  }

  func limit(milliseconds: Int, connectMilliseconds: Int) {
    set(CURLOPT_TIMEOUT_MS, milliseconds)
    set(CURLOPT_CONNECTTIMEOUT_MS, min(connectMilliseconds, milliseconds))
  }

  func requireTLS(_ isRequired: Bool) {
    _ = unsafe ccurl_require_tls(functions, easy, isRequired ? 1 : 0)
  }

  /// Names what a mail's transfer sends.
  func send(_ bytes: [UInt8]) {
    input = bytes
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe set(CURLOPT_READDATA, pointer: context)
    _ = unsafe ccurl_set_bytes(functions, easy, CURLOPT_READFUNCTION, bytesAreAskedFor)
  }

  /// Sends a body by HTTP, on the calling thread.
  ///
  /// - Returns: the status of the answer.
  func post(_ body: [UInt8]) throws(OutboundFailure) -> Int {
    try unsafe body.withUnsafeBufferPointer { bytes throws(OutboundFailure) in
      set(CURLOPT_POSTFIELDSIZE_LARGE, size: bytes.count)
      // It is not copied, and on a connection that had ended meanwhile it is sent again.
      if let start = bytes.baseAddress {
        unsafe set(CURLOPT_POSTFIELDS, pointer: UnsafeMutableRawPointer(mutating: start))
      }
      return try perform()
    }
  }

  /// Does the transfer on the calling thread.
  ///
  /// - Returns: the status of the other side's last answer.
  func perform() throws(OutboundFailure) -> Int {
    let code = unsafe ccurl_perform(functions, easy)
    let status = unsafe ccurl_response_code(functions, easy)
    if code == CURLE_OK || isCut { return status }
    if let refused {
      throw OutboundFailure(
        "\(host) is \(refused.text), a private address, which the service does not allow",
        isPermanent: true)
    }
    if code == CURLE_COULDNT_CONNECT {
      let number = unsafe Int32(ccurl_system_error(functions, easy))
      if number != 0 { throw OutboundFailure(unreachable: name, number: number) }
    }
    var reason = unsafe String(cString: message)
    if reason.isEmpty { reason = unsafe String(cString: ccurl_error(functions, code)) }
    // RFC 5321 §4.2.1: 5yz is for good. Of HTTP it is what may be mended (RFC 9110 §15.6).
    throw OutboundFailure(
      "\(name): \(reason)", isPermanent: isMail && (500...599).contains(status),
      cause: code == CURLE_PEER_FAILED_VERIFICATION ? .certificate : .other)
  }

  fileprivate func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    let room = outputBytesMax - output.count
    unsafe output.append(contentsOf: bytes.prefix(room))
    isCut = isCut || bytes.count > room
    // Fewer than were given end the transfer.
    return isCut ? 0 : bytes.count
  }

  fileprivate func takeHeader(_ line: String) {
    // The head of each answer begins anew: RFC 9110 §15.2 allows interim ones.
    if line.hasPrefix("HTTP/") { headerLines = [] }
    if headerLines.count < Self.headerLinesMax { headerLines.append(line) }
  }

  fileprivate func give(_ room: UnsafeMutableBufferPointer<UInt8>) -> Int {
    let count = min(room.count, input.count - inputPosition)
    _ = unsafe room.update(fromContentsOf: input[inputPosition..<inputPosition + count])
    inputPosition += count
    return count
  }
}

/// A text that stays within its line, whatever it holds.
func oneLine(_ text: String) -> String {
  String(
    decoding: text.utf8.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
}

/// The transfer behind the pointer that libcurl hands back.
private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
  unsafe context.map { unsafe Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
}

private func bytesCame(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let transfer = unsafe transfer(context), let bytes = unsafe bytes else { return 0 }
  return unsafe bytes.withMemoryRebound(to: UInt8.self, capacity: size * count) {
    unsafe transfer.take(UnsafeBufferPointer(start: $0, count: size * count))
  }
}

private func headerFieldCame(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let transfer = unsafe transfer(context), let bytes = unsafe bytes else { return 0 }
  unsafe bytes.withMemoryRebound(to: UInt8.self, capacity: size * count) {
    let line = unsafe UnsafeBufferPointer(start: $0, count: size * count)
    transfer.takeHeader(unsafe String(decoding: line, as: UTF8.self))
  }
  return size * count
}

private func bytesAreAskedFor(
  _ room: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let transfer = unsafe transfer(context), let room = unsafe room else { return 0 }
  return unsafe room.withMemoryRebound(to: UInt8.self, capacity: size * count) {
    unsafe transfer.give(UnsafeMutableBufferPointer(start: $0, count: size * count))
  }
}

/// Is asked for the socket to every address that libcurl is about to connect to, after names were
/// looked up: a name that leads elsewhere at its second look-up gets round nothing.
private func socketIsAskedFor(
  _ context: UnsafeMutableRawPointer?, _ purpose: curlsocktype,
  _ target: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
  guard let transfer = unsafe transfer(context), let target = unsafe target else { return -1 }
  let kind = unsafe target.pointee.socktype
  // The path of a socket of this machine is never a stranger's.
  if unsafe target.pointee.family == AF_UNIX { return newSocket(AF_UNIX, kind, 0) }
  let address = unsafe NetworkAddress(socketAddress: &target.pointee.addr)
  guard let address, transfer.addresses.allows(address, host: transfer.host) else {
    transfer.refused = address
    return -1
  }
  // What the last address says is told.
  transfer.refused = nil
  return unsafe newSocket(
    target.pointee.family, target.pointee.socktype, target.pointee.protocol)
}
