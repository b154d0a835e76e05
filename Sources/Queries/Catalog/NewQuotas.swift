internal import API
internal import Bytes
internal import ReleaseHealth

/// The quotas in a body, of a project or a key. A member that is not there changes nothing; null
/// and 0 take a quota off.
struct NewQuotas: Decodable {
  private enum Member: String, CodingKey, CaseIterable {
    case sessionsPerMinute, sessionsPerDay, requestsPerMinute

    var quota: WritableKeyPath<Quotas, Int64?> {
      switch self {
      case .sessionsPerMinute: \.sessionsPerMinute
      case .sessionsPerDay: \.sessionsPerDay
      case .requestsPerMinute: \.requestsPerMinute
      }
    }
  }

  private var given: [(member: Member, limit: Int64)] = []

  /// The names of the members.
  static let names = Member.allCases.map(\.rawValue)

  init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: Member.self)
    for member in Member.allCases where members.contains(member) {
      given.append((member, try members.decodeIfPresent(Int64.self, forKey: member) ?? 0))
    }
  }

  /// - Returns: the quotas with what was given in place of theirs.
  func applied(to quotas: Quotas) throws(APIError) -> Quotas {
    var quotas = quotas
    for (member, limit) in given {
      guard limit >= 0 else {
        throw .invalid(
          member.rawValue, "\(limit)", accepted: "Give a whole number, or 0 for no quota.")
      }
      quotas[keyPath: member.quota] = limit > 0 ? limit : nil
    }
    return quotas
  }

  static func write(_ quotas: Quotas, to json: inout JSONWriter) {
    for member in Member.allCases {
      json.member(member.rawValue, quotas[keyPath: member.quota])
    }
  }
}

/// The rate limit of a key in Sentry's form: here, the quota of requests per minute.
struct NewRateLimit: Decodable {
  private enum Member: String, CodingKey {
    case rateLimit
  }

  private struct Limit: Decodable {
    var window: Int64?
    var count: Int64?
  }

  private var limit: Limit??

  init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: Member.self)
    guard members.contains(.rateLimit) else { return }
    limit = .some(try members.decodeIfPresent(Limit.self, forKey: .rateLimit))
  }

  /// - Returns: the quotas with what was given in place of theirs.
  func applied(to quotas: Quotas) throws(APIError) -> Quotas {
    guard let limit else { return quotas }
    var quotas = quotas
    quotas.requestsPerMinute = nil
    guard let limit, let count = limit.count, count != 0 else { return quotas }
    guard limit.window == 60 else {
      throw .invalid(
        "rateLimit.window", limit.window.map { "\($0)" } ?? "null",
        accepted: "Give 60: requests are counted by the minute.")
    }
    guard count > 0 else {
      throw .invalid(
        "rateLimit.count", "\(count)", accepted: "Give a whole number, or 0 for no quota.")
    }
    quotas.requestsPerMinute = count
    return quotas
  }

  static func write(_ quotas: Quotas, to json: inout JSONWriter) {
    json.member("rateLimit") { json in
      guard let count = quotas.requestsPerMinute else { return json.null() }
      json.object { json in
        json.member("window", 60)
        json.member("count", count)
      }
    }
  }
}
