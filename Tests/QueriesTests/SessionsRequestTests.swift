import TestSupport
import ReleaseHealth
@testable import Queries
import Storage
import Testing

@testable import API

struct SessionsRequestTests {
  private static let refusals: [SessionsCase<String>] = [
    SessionsCase("no field", "statsPeriod=1h", "Request is missing a \"field\""),
    SessionsCase("empty field", "field=", "Invalid field: \"\""),
    SessionsCase("unknown field", "field=sum(session)&field=x", "Invalid field: \"x\""),
    SessionsCase(
      "unhealthy users", "field=unhealthy_rate(user)", "Invalid field: \"unhealthy_rate(user)\""),
    SessionsCase(
      "another quantile", "field=p42(session.duration)",
      "Invalid field: \"p42(session.duration)\""),
    SessionsCase(
      "durations by the minute",
      "statsPeriod=1h&field=sum(session)&field=p50(session.duration)&interval=30m",
      "The interval has to be a multiple of one hour for p50(session.duration): durations are kept "
        + "by the hour. Use an interval of 1h."),
    SessionsCase(
      "totals of durations by the minute",
      "statsPeriod=1h&field=max(session.duration)&interval=90m&includeSeries=0",
      "The interval has to be a multiple of one hour for max(session.duration): durations are kept "
        + "by the hour. Use an interval of 1h."),
    SessionsCase(
      "unknown group", "field=sum(session)&groupBy=release&groupBy=user",
      "Invalid groupBy: \"user\""),
    SessionsCase(
      "commas", "field=sum(session)&groupBy=release,project",
      "Invalid groupBy: \"release,project\""),
    SessionsCase(
      "neither series nor totals", "field=sum(session)&includeSeries=0&includeTotals=false",
      "Cannot omit both series and totals"),
    SessionsCase(
      "a switch that is none", "field=sum(session)&includeSeries=no",
      "Invalid includeSeries: \"no\". Give 1, 0, true or false."),
    SessionsCase(
      "unknown key", "field=sum(session)&query=foo:bar", "Invalid search filter: foo. There are "),
    SessionsCase(
      "project of the query outside the selection",
      "field=sum(session)&project=1&query=project:till",
      "Invalid query. Project(s) till do not exist or are not actively selected."),
    SessionsCase(
      "rate by status", "field=crash_rate(session)&groupBy=session.status",
      "Cannot group field crash_rate(session) by session.status"),
    SessionsCase(
      "hangs by status", "field=sum(session)&field=anr_rate()&groupBy=session.status",
      "Cannot group field anr_rate() by session.status"),
    SessionsCase(
      "rate of a status", "field=errored_rate(user)&query=session.status:healthy",
      "Cannot filter field errored_rate(user) by session.status"),
    SessionsCase(
      "users of two statuses", "field=count_unique(user)&query=session.status:[healthy,crashed]",
      "Cannot filter count_unique by multiple session.status unless it is in groupBy"),
    SessionsCase(
      "users of all statuses", "field=count_unique(user)&query=!session.status:bogus",
      "Cannot filter count_unique by multiple session.status unless it is in groupBy"),
    SessionsCase(
      "two orders", "field=sum(session)&orderBy=sum(session)&orderBy=-sum(session)",
      "Cannot order by multiple fields"),
    SessionsCase(
      "order by status", "field=sum(session)&groupBy=session.status&orderBy=sum(session)",
      "Cannot use 'orderBy' when grouping by sessions.status"),
    SessionsCase(
      "order by another field", "field=sum(session)&orderBy=-count_unique(user)",
      "'orderBy' must be one of the provided 'fields'"),
    SessionsCase(
      "order of two statuses",
      "field=sum(session)&orderBy=-sum(session)&query=session.status:[healthy,crashed]",
      "Cannot order by sum(session) with the current filters"),
    SessionsCase(
      "page of none", "field=sum(session)&per_page=0",
      "Invalid per_page: \"0\". Give a whole number of at least 1."),
  ]

  @Test(arguments: refusals)
  func refuses(_ row: SessionsCase<String>) {
    let error = SessionsFixtures.refusal("statsPeriod=1d&" + row.query)
    #expect(error?.status == 400)
    // The names that there are follow.
    #expect(error?.detail.hasPrefix(row.expected) == true, "\(error?.detail ?? "")")
  }

  @Test func needsProjects() {
    #expect(throws: APIError.badRequest("No projects available")) {
      try SessionsRequest([], projects: [], now: SessionsFixtures.now)
    }
  }

  @Test(arguments: ["99", "nowhere", "1,2", "-2"])
  func otherProjectsAreForbidden(name: String) {
    let refusal = SessionsFixtures.refusal(
      "field=sum(session)&statsPeriod=1h&project=1&project=" + name)
    #expect(refusal?.status == 403)
    let begins =
      "You do not have permission to perform this action. "
      + "There is no project \"\(name)\". There are "
    #expect(refusal?.detail.hasPrefix(begins) == true)
  }

  @Test(arguments: [
    SessionsCase<[Int64]>("none", "", [1, 2, 7, 30]),
    SessionsCase("empty", "project=", [1, 2, 7, 30]),
    SessionsCase("all", "project=-1", [1, 2, 7, 30]),
    SessionsCase("all beside one", "project=1&project=-1", [1, 2, 7, 30]),
    SessionsCase("a number", "project=2", [2]),
    SessionsCase("a slug", "project=till", [2]),
    SessionsCase("several", "project=till&project=1&project=2", [1, 2]),
    SessionsCase("a number goes before a slug", "project=7", [7]),
  ])
  func selectsProjects(_ row: SessionsCase<[Int64]>) throws {
    let request = try SessionsFixtures.parse("field=sum(session)&statsPeriod=1h&" + row.query)
    #expect(request.healthQuery().projects.map(\.rawValue).sorted() == row.expected)
  }

  @Test(arguments: [
    SessionsCase<[String?]>("none", "", ["prod", "dev", "", nil]),
    SessionsCase("one", "environment=prod", ["prod"]),
    SessionsCase("two", "environment=prod&environment=dev", ["prod", "dev"]),
    SessionsCase("none of them", "environment=", ["", nil]),
    SessionsCase("one or none", "environment=&environment=dev", ["dev", "", nil]),
    SessionsCase("unknown", "environment=stage", []),
    SessionsCase("and the query", "environment=prod&query=!environment:prod", []),
  ])
  func selectsEnvironments(_ row: SessionsCase<[String?]>) throws {
    let query = try SessionsFixtures.parse("field=sum(session)&statsPeriod=1h&" + row.query)
      .healthQuery()
    let kept = (["prod", "dev", "", nil] as [String?]).filter {
      query.filter.matches(
        SeriesKey(project: ProjectID(rawValue: 1), release: "a", environment: $0))
    }
    #expect(kept == row.expected)
  }

  @Test func fieldsStandOnceInTheirOrder() throws {
    let request = try SessionsFixtures.parse(
      "field=crash_rate(user)&field=sum(session)&field=crash_rate(user)&statsPeriod=1h")
    #expect(request.fields == [.userCrashRate, .sessionCount])
    #expect(request.order == .init(field: .sessionCount, isDescending: true))
  }

  @Test(arguments: SessionsField.allCases)
  func everyFieldIsTaken(field: SessionsField) throws {
    let request = try SessionsFixtures.parse("field=\(field.rawValue)&statsPeriod=1h")
    #expect(request.fields == [field])
    let isOfUsers = field.rawValue.contains("user") || field.rawValue.contains("anr")
    let measure: HealthQuery.Measures =
      field.rawValue.contains("duration") ? .durations : isOfUsers ? .users : .sessions
    #expect(request.healthQuery().measures == measure)
  }

  @Test func asksTheStore() throws {
    let query = try SessionsFixtures.parse(
      "field=sum(session)&field=crash_free_rate(user)&statsPeriod=1d&groupBy=release"
        + "&groupBy=release&groupBy=project"
    ).healthQuery()
    #expect(query.measures == [.sessions, .users])
    #expect(query.groupBy == [.release, .project])
    #expect(query.intervalMinutes == 60)
    #expect(query.bucketCount == 25)
    let hour = SessionsFixtures.now.hour
    #expect(query.minutes == (hour - 24) * 60..<(hour + 1) * 60)
  }

  @Test func seriesAreAskedForOnlyWhenShown() throws {
    let request = try SessionsFixtures.parse("field=sum(session)&statsPeriod=1d&includeSeries=0")
    #expect(request.healthQuery().intervalMinutes == nil)
    #expect(request.page == Page(offset: 0, size: 5000))
  }

  @Test(arguments: [
    ("statsPeriod=24h", 384), ("statsPeriod=999h", 9), ("statsPeriod=1h", 3333),
    ("start=2026-03-01T10:00&end=2026-03-01T11:00", 5000),
    ("statsPeriod=24h&includeSeries=0", 5000),
    ("statsPeriod=24h&includeSeries=0&per_page=9999", 5000),
    ("statsPeriod=24h&per_page=385", 384), ("statsPeriod=24h&per_page=3", 3),
  ])
  func pagesHoldTenThousandNumbersPerFieldAndFiveThousandGroups(query: String, size: Int) throws {
    #expect(try SessionsFixtures.parse("field=sum(session)&" + query).page.size == size)
  }

  @Test func ordersByTheGivenField() throws {
    let query = "field=sum(session)&field=crash_rate(session)&statsPeriod=1h&orderBy="
    #expect(
      try SessionsFixtures.parse(query + "crash_rate(session)").order
        == .init(field: .sessionCrashRate, isDescending: false))
    #expect(
      try SessionsFixtures.parse(query + "-crash_rate(session)").order
        == .init(field: .sessionCrashRate, isDescending: true))
    #expect(
      try SessionsFixtures.parse("field=crash_rate(session)&field=anr_rate()&statsPeriod=1h").order
        == .init(field: .sessionCrashRate, isDescending: true))
  }

  @Test func unknownStatusGoesBeforeFields() throws {
    let request = try SessionsFixtures.parse(
      "field=crash_rate(session)&statsPeriod=1h&query=session.status:bogus")
    #expect(request.matchesNothing)
    #expect(
      try !SessionsFixtures.parse("field=sum(session)&statsPeriod=1h&query=session.status:crashed")
        .matchesNothing)
  }

  /// As in Sentry, a request matches nothing if no field has a value for the selected statuses.
  @Test(arguments: [
    ("field=avg(session.duration)&query=session.status:abnormal", true),
    ("field=avg(session.duration)&query=session.status:[abnormal,healthy]", false),
    ("field=avg(session.duration)&field=sum(session)&query=session.status:abnormal", false),
    ("field=avg(session.duration)", false),
  ])
  func durationsOfOtherStatusesMatchNothing(query: String, isNothing: Bool) throws {
    #expect(try SessionsFixtures.parse("statsPeriod=1h&" + query).matchesNothing == isNothing)
  }

  @Test func otherParametersAreIgnored() throws {
    #expect(SessionsFixtures.refusal("field=sum(session)&statsPeriod=1h&utc=true&x=") == nil)
  }
}
