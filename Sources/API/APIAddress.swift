/// The address by which clients reach the service.
package struct APIAddress: Sendable {
  /// The path of the public URL, without a slash at its end: requests may carry it.
  package var pathPrefix: String
  /// The public URL without its path, for links; nil where the request's `Host` has to do.
  package var publicOrigin: String?

  package init(pathPrefix: String = "", publicOrigin: String? = nil) {
    self.pathPrefix = pathPrefix
    self.publicOrigin = publicOrigin
  }
}
