import API
import Foundation
import HTTP
import Testing

@testable import Service

/// What an alert rule names and nothing has, and members that no rule has.
@Suite struct UnknownNamesOfRulesTests {
  private static let organization = "/api/0/organizations/default/"

  private func rule(_ members: String) -> String {
    """
    {"name": "r", "projects": ["shop"], "aggregate": "crash_free_rate(session)", "timeWindow": 60, \
    "thresholdType": 1, "triggers": [{"label": "critical", "alertThreshold": 99}]\(members)}
    """
  }

  @Test(
    arguments: [
      ("", [:]), (#", "environment": "production", "release": "shop@1.9.*""#, [:]),
      (#", "release": "latest""#, [:]),
      (
        #", "environment": """#,
        ["environment": "No session without an environment has arrived yet."]
      ),
      (
        #", "environment": "prod", "release": "lastest""#,
        [
          "environment":
            "There is no environment \"prod\"; near: \"production\". There are production, staging.",
          "release": "There is no release \"lastest\"; near: \"latest\". There are ",
        ]
      ),
      (#", "release": "shop@3.*""#, ["release": "There is no release that matches \"shop@3.*\"."]),
      (#", "release": "shop@1.9.1""#, ["release": "There is no release \"shop@1.9.1\"; near: "]),
    ] as [(String, [String: String])])
  func rulesMayNameWhatIsStillToCome(members: String, unmatched: [String: String]) throws {
    let fixture = try ServiceFixture.world()
    let made = fixture.change(.post, Self.organization + "alert-rules/", rule(members))
    #expect(made.status == 201)
    let rules = try fixture.json(Self.organization + "alert-rules/", as: [[String: Any]].self)
    let found = try #require(rules.first?["unmatched"] as? [[String: String]])
    #expect(Set(found.map { $0["field"] }) == Set(unmatched.keys.map { Optional($0) }))
    for problem in found {
      let begins = try #require(unmatched[problem["field"] ?? ""])
      #expect(problem["reason"]?.hasPrefix(begins) == true, "\(problem)")
    }
    // A back-test would only say that it had not fired.
    let test = fixture.change(
      .post, Self.organization + "alert-rules/backtest/",
      "{\"rule\": \(rule(members)), \"statsPeriod\": \"1d\"}")
    let stored = fixture.ask(Self.organization + "alert-rules/r/backtest/?statsPeriod=1d")
    for answer in [test, stored] {
      #expect(answer.status == (unmatched.isEmpty ? 200 : 400))
      if unmatched.isEmpty { continue }
      let reasons = try object(answer.text, as: [String: [String]].self)
      // It names all of them.
      #expect(Set(reasons.keys) == Set(unmatched.keys))
      for (field, begins) in unmatched {
        #expect(reasons[field]?.first?.hasPrefix(begins) == true, "\(answer.text)")
      }
    }
  }

  @Test func aRuleOnASilentProjectIsMarked() throws {
    let made = try ServiceFixture().change(.post, Self.organization + "alert-rules/", rule(""))
    #expect(made.status == 201 && made.text.contains("\"unmatched\":[{\"field\":\"projects\""))
  }

  @Test(arguments: [
    (#", "enviroment": "production""#, "enviroment", "environment"),
    (#", "MinSessions": 5"#, "MinSessions", "minSessions"),
  ])
  func membersOfRules(members: String, given: String, near: String) throws {
    let fixture = try ServiceFixture.world()
    let made = fixture.change(.post, Self.organization + "alert-rules/", rule(members))
    #expect(made.status == 400)
    let json = try object(made.text, as: [String: [String]].self)
    let reason = "There is no member \"\(given)\"; near: \"\(near)\"."
    #expect(json[given]?.first?.hasPrefix(reason) == true, "\(made.text)")
  }

  @Test func projectsOfRules() throws {
    let body = rule("").replacing("\"shop\"", with: "\"shpo\"")
    let made = try ServiceFixture.world().change(.post, Self.organization + "alert-rules/", body)
    #expect(made.status == 400 && made.text.contains(#"no project \"shpo\"; near: \"shop\""#))
  }

  @Test func membersOfTriggers() throws {
    let body = rule("").replacing("99}", with: "99, \"action\": []}")
    let made = try ServiceFixture.world().change(.post, Self.organization + "alert-rules/", body)
    #expect(made.status == 400 && made.text.contains("near: \\\"actions\\\""))
  }

  @Test(arguments: [
    (#"{"minutes": 30, "until": "2026-01-02T00:00:00Z"}"#, 400, #"\"minutes\" are both given"#),
    (#"{"minutes": 30, "minutes": 60}"#, 400, #"\"minutes\" is given more than once"#),
    (#"{"minutes": 30}"#, 200, "mutedUntil"),
  ])
  func contradictoryMembers(body: String, status: Int, part: String) throws {
    let fixture = try ServiceFixture.world()
    #expect(fixture.change(.post, Self.organization + "alert-rules/", rule("")).status == 201)
    let answer = fixture.change(.post, Self.organization + "alert-rules/r/mute/", body)
    #expect(answer.status == status && answer.text.contains(part), "\(answer.text)")
  }

  /// Only what Sentry's forms send beside a rule's members is let through.
  @Test func membersOfRulesAreAllChecked() throws {
    let fixture = try ServiceFixture.world()
    for (member, status) in [("owner", 201), ("foo", 400)] {
      let answer = fixture.change(
        .post, Self.organization + "alert-rules/", rule(", \"\(member)\": 1"))
      #expect(answer.status == status, "\(answer.text)")
    }
  }
}
