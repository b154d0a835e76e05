package import HTTP

extension QueryParameters {
  /// The value of a parameter that takes one of several names.
  ///
  /// - Parameter error: Sentry's error about any other name; what is near and what there is follow.
  package func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, default fallback: Choice, otherwise error: String
  ) throws(APIError) -> Choice {
    guard let text = one(name) else { return fallback }
    guard let choice = Choice(rawValue: text) else {
      throw .unknown(error, text, among: Choice.allCases.map(\.rawValue))
    }
    return choice
  }
}
