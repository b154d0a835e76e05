internal import CCurl

/// Outgoing HTTP requests, mail and programs.
///
/// Invariant: values in, a result out. The module blocks the calling thread and knows nothing about
/// what it sends.

/// libcurl, loaded at its first use, or the reason why it cannot be loaded.
///
/// nonisolated(unsafe) because it is immutable, and its function addresses are valid on every
/// thread.
private nonisolated(unsafe) let curl: Result<ccurl_library, OutboundFailure> = {
  var functions = ccurl_library()
  if let reason = unsafe ccurl_open(&functions) {
    return .failure(
      OutboundFailure(
        "libcurl cannot be loaded (\(unsafe String(cString: reason))); install it (the package "
          + "libcurl4 on Debian and Ubuntu)"))
  }
  return .success(functions)
}()

/// A libcurl handle, which makes one transfer at a time and keeps connections open between them.
///
/// It is used by one thread.
@safe
final class CurlHandle {
  fileprivate let functions: ccurl_library
  fileprivate let easy: UnsafeMutableRawPointer

  init() throws(OutboundFailure) {
    functions = try unsafe curl.get()
    guard let easy = unsafe ccurl_init(functions) else {
      throw OutboundFailure("libcurl is out of memory")
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

  /// The name of the server in errors.
  let name: String
  fileprivate let addresses: AddressPolicy
  /// The host of the URL.
  fileprivate let host: String
  private let isMail: Bool
  /// The bytes to send, and the number of bytes sent.
  private var input: [UInt8] = []
  private var inputPosition = 0
  /// The received bytes.
  fileprivate(set) var output: [UInt8] = []
  fileprivate(set) var headerLines: [String] = []
  fileprivate(set) var isCut = false
  /// The size limit of the received bytes; more are not read.
  var outputBytesMax = 16 << 10
  /// The address that the policy does not allow.
  fileprivate var refused: NetworkAddress?

  private static let headerLinesMax = 200

  /// - Parameter handle: a handle without another transfer.
  init(
    on handle: CurlHandle, url: String, name: String, addresses: AddressPolicy, isMail: Bool
  ) {
    self.handle = handle
    self.name = name
    host = OutboundClient.host(of: url)
    self.addresses = addresses
    self.isMail = isMail
    unsafe message = .allocate(capacity: Int(CURL_ERROR_SIZE))
    unsafe message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    unsafe set(CURLOPT_ERRORBUFFER, pointer: UnsafeMutableRawPointer(message))
    set(CURLOPT_URL, url)
    _ = unsafe ccurl_limit_protocols(functions, easy, isMail ? 1 : 0)
    // A proxy from the environment would connect to any address that a name resolves to.
    set(CURLOPT_PROXY, "")
    // Without signals libcurl resolves names on a thread of its own.
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_FOLLOWLOCATION, 0)
    set(CURLOPT_SSL_VERIFYPEER, 1)
    set(CURLOPT_SSL_VERIFYHOST, 2)
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe set(CURLOPT_OPENSOCKETDATA, pointer: context)
    _ = unsafe ccurl_set_socket(functions, easy, openSocketCallback)
    unsafe set(CURLOPT_WRITEDATA, pointer: context)
    unsafe set(CURLOPT_HEADERDATA, pointer: context)
    _ = unsafe ccurl_set_bytes(functions, easy, CURLOPT_WRITEFUNCTION) {
      bytes, size, count, context in
      unsafe withTransfer(context, bytes, size * count) { unsafe $0.receive($1) }
    }
    _ = unsafe ccurl_set_bytes(functions, easy, CURLOPT_HEADERFUNCTION) {
      line, size, count, context in
      unsafe withTransfer(context, line, size * count) { unsafe $0.receiveHeader($1) }
    }
  }

  deinit {
    // The handle outlives the transfer and must not refer to what is freed here.
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

  /// Sets a list of texts. Control characters, which could end a line, become spaces.
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

  /// Sets the bytes of a mail.
  func send(_ bytes: [UInt8]) {
    input = bytes
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe set(CURLOPT_READDATA, pointer: context)
    _ = unsafe ccurl_set_bytes(functions, easy, CURLOPT_READFUNCTION) {
      room, size, count, context in
      unsafe withTransfer(context, room, size * count) { unsafe $0.fill($1) }
    }
  }

  /// Sends a body by HTTP, on the calling thread.
  ///
  /// - Returns: the status of the response.
  func post(_ body: [UInt8]) throws(OutboundFailure) -> Int {
    try unsafe body.withUnsafeBufferPointer { bytes throws(OutboundFailure) in
      set(CURLOPT_POSTFIELDSIZE_LARGE, size: bytes.count)
      // libcurl does not copy it, and sends it again if a reused connection was closed.
      if let start = bytes.baseAddress {
        unsafe set(CURLOPT_POSTFIELDS, pointer: UnsafeMutableRawPointer(mutating: start))
      }
      return try perform()
    }
  }

  /// Makes the transfer on the calling thread.
  ///
  /// - Returns: the status of the server's last response.
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
    if code == CURLE_SSL_CACERT_BADFILE {
      // libcurl's text names the file, and the reason is shown to who may read channels.
      throw OutboundFailure("\(name): the CA bundle cannot be read")
    }
    var reason = unsafe String(cString: message)
    if reason.isEmpty { reason = unsafe String(cString: ccurl_error(functions, code)) }
    // RFC 5321 §4.2.1: 5yz is permanent in SMTP. In HTTP it is not (RFC 9110 §15.6).
    throw OutboundFailure(
      "\(name): \(reason)", isPermanent: isMail && (500...599).contains(status),
      cause: code == CURLE_PEER_FAILED_VERIFICATION ? .certificate : .other)
  }

  fileprivate func receive(_ bytes: UnsafeMutableBufferPointer<UInt8>) -> Int {
    let room = outputBytesMax - output.count
    unsafe output.append(contentsOf: bytes.prefix(room))
    isCut = isCut || bytes.count > room
    // A smaller count ends the transfer.
    return isCut ? 0 : bytes.count
  }

  fileprivate func receiveHeader(_ bytes: UnsafeMutableBufferPointer<UInt8>) -> Int {
    let line = unsafe String(decoding: bytes, as: UTF8.self)
    // RFC 9110 §15.2 allows interim responses; the headers of the last one count.
    if line.hasPrefix("HTTP/") { headerLines = [] }
    if headerLines.count < Self.headerLinesMax { headerLines.append(line) }
    return bytes.count
  }

  fileprivate func fill(_ room: UnsafeMutableBufferPointer<UInt8>) -> Int {
    let count = min(room.count, input.count - inputPosition)
    _ = unsafe room.update(fromContentsOf: input[inputPosition..<inputPosition + count])
    inputPosition += count
    return count
  }
}

/// The text with control characters replaced by spaces, so that it stays on its line.
func oneLine(_ text: String) -> String {
  String(
    decoding: text.utf8.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
}

/// The transfer of a pointer that libcurl passes to a callback.
private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
  unsafe context.map { unsafe Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
}

/// Calls the transfer of a callback with the bytes, or the room for them, that libcurl passes.
private func withTransfer(
  _ context: UnsafeMutableRawPointer?, _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int,
  _ body: (Transfer, UnsafeMutableBufferPointer<UInt8>) -> Int
) -> Int {
  guard let transfer = unsafe transfer(context), let bytes = unsafe bytes else { return 0 }
  return unsafe bytes.withMemoryRebound(to: UInt8.self, capacity: count) {
    unsafe body(transfer, UnsafeMutableBufferPointer(start: $0, count: count))
  }
}

/// Creates the socket for each address that libcurl connects to. The address is checked here, after
/// the name is resolved, so that a name cannot pass the check and then resolve to another address.
private func openSocketCallback(
  _ context: UnsafeMutableRawPointer?, _ purpose: curlsocktype,
  _ target: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
  guard let transfer = unsafe transfer(context), let target = unsafe target else { return -1 }
  let kind = unsafe target.pointee.socktype
  // The path of a local socket never comes from a user.
  if unsafe target.pointee.family == AF_UNIX { return newSocket(AF_UNIX, kind, 0) }
  let address = unsafe NetworkAddress(socketAddress: &target.pointee.addr)
  guard let address, transfer.addresses.allows(address, host: transfer.host) else {
    transfer.refused = address
    return -1
  }
  // Errors report the last address.
  transfer.refused = nil
  return unsafe newSocket(
    target.pointee.family, target.pointee.socktype, target.pointee.protocol)
}
