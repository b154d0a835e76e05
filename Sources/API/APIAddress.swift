/// The address by which clients reach the service.
package struct APIAddress: Sendable {
  /// The path of the public URL, without a trailing slash. Requests may begin with it.
  package var pathPrefix: String
  /// The public URL without its path, for links; nil to use the request's `Host`.
  package var publicOrigin: String?

  package init(pathPrefix: String = "", publicOrigin: String? = nil) {
    self.pathPrefix = pathPrefix
    self.publicOrigin = publicOrigin
  }
}
