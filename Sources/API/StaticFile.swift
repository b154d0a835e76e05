internal import Bytes
internal import Compression
package import HTTP
internal import Hashing

/// A file of the program, ready to be sent. It is packed once, and all answers share its bytes.
package struct StaticFile: Sendable {
  private let contentType: String
  private let bytes: [UInt8]
  /// The compressed file; nil if it is not smaller.
  private let compressed: [UInt8]?
  /// The entity tag with its quotes.
  private let entityTag: String

  package init(_ contentType: String, _ bytes: [UInt8]) {
    self.contentType = contentType
    self.bytes = bytes
    compressed = gzip(bytes).flatMap { $0.count < bytes.count ? $0 : nil }
    entityTag = "\"\(Self.shortDigest(bytes))\""
  }

  /// Sixteen digits that differ for other bytes.
  package static func shortDigest(_ bytes: [UInt8]) -> String {
    Hexadecimal.text(Hashing.sha256(bytes.span).prefix(8))
  }

  package func answer(_ head: RequestHead, cacheControl: String) -> Response {
    var headers: Headers = [
      "ETag": entityTag, "Cache-Control": cacheControl, "Vary": "Accept-Encoding",
    ]
    if EntityTag.isNamed(entityTag, in: head) {
      return Response(status: 304, headers: headers)
    }
    headers.add("Content-Type", contentType)
    let packed = Self.takesGzip(head) ? compressed : nil
    if packed != nil { headers.add("Content-Encoding", "gzip") }
    var response = Response(headers: headers, body: packed ?? bytes)
    response.isKept = true
    return response
  }

  /// Whether the client accepts the coding: it is listed without a weight of zero. This subset of
  /// RFC 9110 §12.5.3 suffices for browsers and tools.
  private static func takesGzip(_ head: RequestHead) -> Bool {
    head.headers.all("Accept-Encoding").joined(separator: ",").split(separator: ",").contains {
      let text = $0.filter { $0 != " " }.lowercased()
      return text == "gzip"
        || text.hasPrefix("gzip;q=") && text.dropFirst(7).contains { $0 != "0" && $0 != "." }
    }
  }
}
