extension RequestHead {
  /// Whether the client came by TLS, which ends at a proxy in front: the proxy says so.
  package var cameByTLS: Bool { headers["X-Forwarded-Proto"]?.lowercased() == "https" }
}
