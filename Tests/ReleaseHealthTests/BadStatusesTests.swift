import ReleaseHealth
import Testing

@Suite struct BadStatusesTests {
  /// A `+` in a URL arrives as a space.
  @Test(
    arguments: [
      ("crashed", .crashed), ("Crashed", .crashed), ("crashed+unhandled", .crashedAndUnhandled),
      ("crashed unhandled", .crashedAndUnhandled), ("unhandled,crashed", .crashedAndUnhandled),
      ("crashed + unhandled", .crashedAndUnhandled), ("", nil), ("unhandled", nil),
      ("default", nil), ("crashed+errored", nil), ("crashedunhandled", nil),
      ("crashed+unhandled+unhandled", nil), ("crashed3!", nil), ("crashed2+unhandled", nil),
    ] as [(String, BadStatuses?)])
  func names(name: String, bad: BadStatuses?) {
    #expect(BadStatuses(name: name) == bad)
    if let bad { #expect(BadStatuses(name: bad.rawValue) == bad) }
  }

  @Test(
    arguments: [
      ("javascript", .crashedAndUnhandled), ("javascript-react", .crashedAndUnhandled),
      ("javascript-nextjs", .crashedAndUnhandled), ("JavaScript-Vue", .crashedAndUnhandled),
      ("javascript-electron", .crashed), ("javascript-capacitor", .crashed),
      ("javascript-cordova", .crashed), ("electron", .crashed), ("react-native", .crashed),
      ("node", .crashed), ("node-express", .crashed), ("java", .crashed), ("android", .crashed),
      ("flutter", .crashed), ("javascripts", .crashed), ("", .crashed), (nil, .crashed),
    ] as [(String?, BadStatuses)])
  func theDefaultDependsOnThePlatform(platform: String?, bad: BadStatuses) {
    #expect(BadStatuses.usual(onPlatform: platform) == bad)
  }

  @Test func ofSeveralTheWiderHolds() {
    #expect(BadStatuses.widest([]) == .crashed)
    #expect(BadStatuses.widest([.crashed, .crashed]) == .crashed)
    #expect(BadStatuses.widest([.crashed, .crashedAndUnhandled]) == .crashedAndUnhandled)
  }

  @Test func sessionsAndUsersThatAreBad() {
    let sessions = SessionCounts(healthy: 80, errored: 8, unhandled: 6, abnormal: 4, crashed: 2)
    #expect(sessions.bad(.crashed) == 2 && sessions.bad(.crashedAndUnhandled) == 8)
    #expect(sessions.crashFreeRate == 0.98 && sessions.failureFreeRate == 0.92)
    // Of the users with an unhandled session one has an abnormal one, too, and counts as abnormal.
    var users = UserCounts(
      byWorst: SessionCounts(healthy: 6, unhandled: 1, abnormal: 1, crashed: 2))
    users.withUnhandled = 3
    users.withFailure = 4
    #expect(users.bad(.crashed) == 2 && users.bad(.crashedAndUnhandled) == 4)
    #expect(users.crashFreeRate == 0.8 && users.failureFreeRate == 0.6)
    #expect(SessionCounts().failureFreeRate == nil && UserCounts().failureFreeRate == nil)
  }
}
