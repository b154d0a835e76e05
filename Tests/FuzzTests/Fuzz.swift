import Glibc

/// The fuzzed readers. The environment variable `HALE_FUZZ` names the one that a process runs.
///
/// `Scripts/fuzz` compiles the modules one by one, and these files last; `MutationTests` calls the
/// same targets in the debug build.
enum FuzzTarget: String {
  case envelope, http, session, json, search, url

  static let current: FuzzTarget = {
    guard let name = unsafe getenv("HALE_FUZZ"),
      let target = unsafe Self(rawValue: String(cString: name))
    else { preconditionFailure("HALE_FUZZ names no target.") }
    return target
  }()

  func run(_ input: [UInt8]) {
    switch self {
    case .envelope: fuzzEnvelope(input)
    case .http: fuzzHTTP(input)
    case .session: fuzzSession(input)
    case .json: fuzzJSON(input)
    case .search: fuzzSearch(input)
    case .url: fuzzURL(input)
    }
  }
}

/// The entry point of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  FuzzTarget.current.run(unsafe Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
