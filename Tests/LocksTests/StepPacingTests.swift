import Testing

@testable import Locks

@Suite struct StepPacingTests {
  @Test func theFirstStepNeedNotWait() {
    var pacing = StepPacing()
    #expect(pacing.pause(at: 10) == 0)
    pacing.noteBatch(at: 10)
    #expect(pacing.pause(at: 10) == 0)
  }

  @Test func whileBatchesComeAStepIsFollowedByTwiceItsTime() {
    var pacing = StepPacing()
    pacing.noteStep(from: 10, to: 10.25)
    for time in [10.25, 10.5, 10.74] {
      pacing.noteBatch(at: time)
      #expect(pacing.pause(at: time) > 0)
    }
    pacing.noteBatch(at: 10.75)
    #expect(pacing.pause(at: 10.75) == 0)
  }

  @Test func aPauseEndsWithTheRestOrWhenNoBatchCame() {
    var pacing = StepPacing()
    pacing.noteBatch(at: 10)
    pacing.noteStep(from: 10, to: 10.001)
    #expect(abs(pacing.pause(at: 10.001) - 0.002) < 1e-9)
    pacing.noteStep(from: 10, to: 10.004)
    #expect(abs(pacing.pause(at: 10.004) - 0.001) < 1e-9)
    #expect(pacing.pause(at: 10.005) == 0)
  }
}
