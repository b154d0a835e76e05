import Bytes
import ReleaseHealth

/// Writes made-up sessions as an SDK does.
struct WireSession {
  let traffic: Traffic

  /// The item of one session update.
  func item(_ session: MadeSession, isInitial: Bool, isEnd: Bool) -> String {
    let id = Hexadecimal.text(session.id)
    let status = isEnd ? session.status : .ok
    let seconds = Double(session.durationMilliseconds) / 1000
    return "{\"type\":\"session\"}\n{\"sid\":\"\(id)\","
      + "\"did\":\"\(traffic.userName(session.user))\",\"init\":\(isInitial),"
      + "\"started\":\"\(RFC3339.formatMilliseconds(session.started))\","
      + "\"timestamp\":\"\(RFC3339.formatMilliseconds(max(session.started, traffic.now)))\","
      + "\"status\":\"\(status.name)\",\"errors\":\(status == .errored ? 1 : 0),"
      + (isEnd ? "\"duration\":\(seconds)," : "")
      + "\"attrs\":{\"release\":\"\(traffic.releaseName(session.release))\","
      + "\"environment\":\"\(traffic.environmentName(session.environment))\","
      + "\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64)\",\"ip_address\":\"203.0.113.7\"}}\n"
  }

  /// The header of an envelope.
  var header: String {
    "{\"sent_at\":\"\(RFC3339.formatMilliseconds(traffic.now))\","
      + "\"sdk\":{\"name\":\"sentry.javascript.browser\",\"version\":\"8.30.0\"}}\n"
  }

  /// An envelope of one session: an even index begins a session, an odd index ends one that began
  /// within the last hour and is in the database.
  func single(_ index: Int) -> String {
    index % 2 == 0
      ? header + item(traffic.fresh(index / 2), isInitial: true, isEnd: false)
      : header
        + item(traffic.open(traffic.ending(index / 2)), isInitial: false, isEnd: true)
  }

  /// An envelope of `count` sessions that ended while the client was offline.
  func packed(_ index: Int, count: Int) -> String {
    (index * count..<(index + 1) * count).reduce(into: header) { text, number in
      text += item(traffic.packed(number), isInitial: true, isEnd: true)
    }
  }

  /// An envelope of session aggregates by the minute.
  func aggregates(_ index: Int, count: Int) -> String {
    var random = SplitMix64(seed: traffic.seed ^ UInt64(index))
    let buckets = (0..<count).map { number in
      let started = traffic.now.advanced(byMilliseconds: -Int64(number) * 60_000)
      let healthy = 1 + random.next() % 500
      return "{\"started\":\"\(RFC3339.format(started))\",\"exited\":\(healthy),"
        + "\"errored\":\(healthy % 7)}"
    }
    let release = traffic.releaseName(index % traffic.releases)
    return header + "{\"type\":\"sessions\"}\n{\"aggregates\":["
      + buckets.joined(separator: ",")
      + "],\"attrs\":{\"release\":\"\(release)\",\"environment\":\"production\"}}\n"
  }
}
