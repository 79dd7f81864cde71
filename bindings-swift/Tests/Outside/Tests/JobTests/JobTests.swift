import HightouchTesting
import Job
import XCTest

final class JobTests: XCTestCase {
    func testARunThatFails() async throws {
        try await withWorld(.init(slugs: ["orders-to-salesforce"])) { world in
            try await world.failNextRun("orders-to-salesforce", "relation orders does not exist")
            let line = try await nightly(world.client())
            XCTAssertTrue(line.contains("relation orders does not exist"), line)
        }
    }
}
