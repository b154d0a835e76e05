import Envelopes
import Testing

@Suite struct IngestAuthTests {
  static let key = "0123456789abcdef0123456789abcdef"

  static func find(
    _ sentryAuth: [String] = [], _ authorization: [String] = [], query: String? = nil
  ) -> Result<String?, IngestAuthError> {
    do throws(IngestAuthError) {
      return .success(
        try IngestAuth.find(
          sentryAuth: sentryAuth, authorization: authorization, query: query))
    } catch {
      return .failure(error)
    }
  }

  @Test(
    arguments: [
      "Sentry sentry_key=\(key)",
      "Sentry sentry_key=\(key), sentry_version=7, sentry_client=sentry.native/0.16.3",
      "Sentry sentry_version=7,sentry_client=sentry.java/8.53.0,sentry_key=\(key)",
      "sENTRY sentry_key=\(key)",
      "Sentry  sentry_key = \(key) ,\tsentry_client =  a b ",
      "Sentry sentry_key=\(key.uppercased())",
      "Sentry nothing,,sentry_key=\(key),x=y,=,sentry_timestamp=soon,sentry_secret=s",
      "Sentry sentry_key=\(key)=more,sentry_client=a=b",
      "Sentry sentry_key=bad,sentry_key=\(key)",
      "Sentry sentry_key=\(key):no-cache",
      "Sentry sentry_key=\(key).no-cache",
      "Sentry sentry_key=\(key),sentry_version=2.0",
      "Sentry sentry_key=\(key),sentry_version=0",
      "Sentry sentry_key=\(key),sentry_client=",
    ])
  func readsHeader(_ value: String) {
    #expect(Self.find([value]) == .success(Self.key))
    #expect(Self.find([], [value]) == .success(Self.key))
    #expect(Self.find(["Bearer x"], ["Bearer y", value]) == .success(Self.key))
  }

  @Test(
    arguments: [
      "sentry_version=7&sentry_key=\(key)&sentry_client=sentry.javascript.browser%2F10.63.0",
      "sentry_key=\(key)&sentry_version=7",
      "x=1&&y&sentry%5Fkey=\(key)&z=&sentry_",
      "sentry_key=%30123456789abcdef0123456789abcdef&sentry_client=a+b%2B%zz%4&sentry_=",
      "sentry_key=\(key)&sentry_client=a=b",
      "sentry_key=\(key)&sentry_version=%37",
    ])
  func readsQuery(_ query: String) {
    #expect(Self.find(query: query) == .success(Self.key))
  }

  @Test func readsBasicCredentials() {
    // The key, optionally followed by a colon and any password.
    for encoded in [
      "Basic MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY6",
      "bASIC MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY6c2VjcmV0",
      "Basic MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY6cw==",
      "Basic MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY6c3M=",
    ] {
      #expect(Self.find([], [encoded]) == .success(Self.key))
    }
    // Credentials for others are ignored.
    for encoded in [
      "Basic", "Basic ", "Basic !!!!", "Basic MDEy", "Basic Og==", "Basic /zo=", "Basic MDEyM",
    ] {
      #expect(Self.find([], [encoded]) == .success(nil))
    }
    #expect(Self.find([], ["Basic eDp5"]) == .failure(.invalidKey))
    // `X-Sentry-Auth` takes no Basic credentials.
    #expect(Self.find(["Basic MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY6"]) == .success(nil))
  }

  @Test func noneIsNoError() {
    #expect(Self.find() == .success(nil))
    #expect(Self.find([""], ["", "Bearer sentry_key"], query: "") == .success(nil))
    #expect(Self.find(["Sentry"], ["Sentryx"], query: "x=1") == .success(nil))
  }

  @Test func moreThanOneIsRefused() {
    let header = "Sentry sentry_key=\(Self.key)"
    let basic = "Basic MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY6"
    let query = "sentry_key=\(Self.key)"
    for outcome in [
      Self.find([header], [header]), Self.find([header, header]), Self.find([header], [basic]),
      Self.find([header], query: query), Self.find([], [basic], query: query),
      Self.find([header], query: "sentry_client=x"), Self.find([], [basic, basic]),
    ] {
      #expect(outcome == .failure(.multiple))
    }
  }

  @Test(
    arguments: [
      ("sentry_key=", .missingKey),
      ("sentry_version=7", .missingKey),
      ("sentry_key=\(key),sentry_version=x", .invalidVersion),
      ("sentry_key=\(key),sentry_version=", .invalidVersion),
      ("sentry_key=\(key),sentry_version=-1", .invalidVersion),
      ("sentry_key=\(key),sentry_version=65536", .invalidVersion),
      ("sentry_key=\(key),sentry_version=8", .unsupportedVersion(8)),
      ("sentry_key=\(key),sentry_version=65535.1", .unsupportedVersion(65535)),
      ("sentry_key=x,sentry_version=8", .invalidKey),
      ("sentry_key=\(key)0", .invalidKey),
      ("sentry_key=:\(key)", .invalidKey),
      ("sentry_key=0123456789abcdef0123456789abcdeg", .invalidKey),
      ("sentry_key=0123456789abcdef0123456789abcd\u{e9}", .invalidKey),
    ] as [(String, IngestAuthError)])
  func refuses(_ pairs: String, _ error: IngestAuthError) {
    #expect(Self.find(["Sentry " + pairs]) == .failure(error))
    let query = pairs.split(separator: ",").joined(separator: "&")
    #expect(Self.find(query: query) == .failure(error))
  }

  @Test func saysWhatRelaySays() {
    for (error, status, detail, causes) in [
      (.multiple, 401, "multiple authorization payloads detected", []),
      (.missingKey, 401, "bad x-sentry-auth header", ["missing public key"]),
      (.invalidVersion, 401, "bad x-sentry-auth header", ["invalid value for version"]),
      (.invalidKey, 400, "bad sentry DSN public key", ["invalid project key"]),
      (.unsupportedVersion(8), 400, "unsupported protocol version (8)", []),
    ] as [(IngestAuthError, Int, String, [String])] {
      #expect(error.status == status)
      #expect(error.detail == detail)
      #expect(error.causes == causes)
    }
  }
}
