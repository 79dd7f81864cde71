import HightouchTesting
import Job
import Testing

@Test func aLostAnswerStartsNoSecondRun() async throws {
    try await withWorld(.init(slugs: ["orders-to-salesforce"])) { world in
        try await world.loseAnswer("syncs.trigger")
        #expect(try await nightly(world.client()) == "success: 0 rows rejected")
        #expect(try await world.requests("syncs.trigger").count == 1)
    }
}
