import Bytes
import Envelopes
import HTTP
import Outbound
import ReleaseHealth

@testable import Alerting

/// URLs, DSNs, queries, and the addresses of clients and receivers.
func fuzzURL(_ input: [UInt8]) {
  let text = String(decoding: input, as: UTF8.self)
  if let url = URLParts(text) {
    // The parts stand in the text, and there is nothing beside them.
    let again =
      "\(url.scheme)://" + (url.userinfo.map { "\($0)@" } ?? "") + url.host
      + (url.port.map { ":\($0)" } ?? "") + url.path + (url.query.map { "?\($0)" } ?? "")
      + (url.fragment.map { "#\($0)" } ?? "")
    precondition(again.utf8.elementsEqual(text.utf8))
    precondition(!url.scheme.utf8.contains(UInt8(ascii: ":")))
    precondition(!url.host.utf8.contains { "/?#@".utf8.contains($0) })
    precondition(url.path.isEmpty || url.path.utf8.first == UInt8(ascii: "/"))
  }
  if let dsn = DSN(text) {
    precondition(dsn.publicKey.utf8.count == 32)
    precondition(dsn.publicKey.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) })
    precondition(DSN("https://\(dsn.publicKey)@h/\(dsn.projectID.rawValue)") == dsn)
  }

  precondition(percentDecoded(percentEncoded(text), plusIsSpace: true) == text)
  let lenient = percentDecoded(input.span, plusIsSpace: false, keepsBroken: true)
  precondition(lenient.map { $0.count <= input.count } ?? false)
  let strict = percentDecoded(input.span, plusIsSpace: false, keepsBroken: false)
  precondition(strict == nil || strict == lenient)
  for (name, value) in queryItems(text) {
    let item = "\(percentEncoded(name))=\(percentEncoded(value))"
    let again = queryItems(item)
    precondition(again.count == 1 && again[0].name == name && again[0].value == value)
  }

  if let peer = PeerAddress(text) {
    precondition(PeerAddress(peer.description) == peer)
    let proxies = TrustedProxies(peer.description)
    precondition(proxies?.contains(peer) == true)
  }
  _ = TrustedProxies(text)
  if let address = NetworkAddress(text) {
    precondition(NetworkAddress(address.text) == address)
  }
  if MailAddress.isValid(text) {
    precondition(text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f })
  }
}
