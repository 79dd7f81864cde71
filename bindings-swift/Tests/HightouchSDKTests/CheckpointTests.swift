import Foundation
import XCTest

@testable import HightouchSDK

/// Tests checkpoints, the files that record what a batch has started.
final class CheckpointTests: XCTestCase {
    private func world(_ more: [String: JSONValue] = [:]) async throws -> World {
        let usual: [String: JSONValue] = [
            "syncs": 7, "pastRuns": 0, "runs": ["seconds": 20, "queuedSeconds": 0],
        ]
        return try await Sandbox.running().world(.object(usual.merging(more) { $1 }))
    }

    private func triggers(_ world: World) async throws -> Int {
        try await world.requests().count { $0["method"] == "POST" }
    }

    /// Returns a path at which no file exists. A file that the test creates there is removed after the test.
    private func place() -> String {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        addTeardownBlock { try? FileManager.default.removeItem(at: file) }
        return file.path
    }

    func testAResumedBatchStartsOnlyWhatWasNotStarted() async throws {
        let world = try await world()
        let (client, path) = (try world.client(), place())
        let batch = try await client.syncs.runMany([1, 2, 3], atOnce: 1, checkpoint: path)
        for try await item in batch {
            XCTAssertEqual(item.outcome, .success)
            break
        }
        await batch.stop()
        let items = try await client.syncs.runMany([1, 2, 3], checkpoint: path).wait()
        XCTAssertEqual(items.map(\.outcome), [.success, .success, .success])
        let sent = try await triggers(world)
        XCTAssertEqual(sent, 3)
    }

    func testASyncWhoseRunMayHaveBeenStartedIsStartedAgainOnlyIfAsked() async throws {
        let lost: JSONValue = [
            "when": ["operation": "TriggerRun", "nth": 1], "answer": ["reset": "before-headers"],
        ]
        let world = try await world(["script": [lost]])
        let (client, path) = (try world.client(), place())
        for (retry, outcome, sent) in [
            (false, BatchItem.Outcome.unknown, 1), (false, .unknown, 1), (true, .success, 2),
        ] {
            let batch = try await client.syncs.runMany([1], checkpoint: path, retryUnknown: retry)
            let items = try await batch.wait(onFailure: .return)
            XCTAssertEqual(items.map(\.outcome), [outcome])
            XCTAssertEqual(items[0].error?.kind, outcome == .unknown ? .outcomeUnknown : nil)
            let triggers = try await triggers(world)
            XCTAssertEqual(triggers, sent)
        }
    }

    func testACheckpointThatCannotBeUsedIsRejectedBeforeAnythingIsSent() async throws {
        let world = try await world()
        let client = try world.client()
        let folder = FileManager.default.temporaryDirectory.path
        let error = try await thrown { try await client.syncs.runMany([1], checkpoint: folder) }
        XCTAssertEqual(error.kind, .invalidRequest)
        XCTAssertEqual(error.code, "checkpoint")
        XCTAssertTrue(error.message.contains("is a directory, and must be a file"), error.message)
        let requests = try await world.requests()
        XCTAssertEqual(requests.count, 0)
    }

    func testABatchThatEndedAndWasStoppedCanBeWaitedFor() async throws {
        let world = try await world(["runs": ["seconds": 1, "status": "failed"]])
        let batch = try await world.client().syncs.runMany([1])
        try await batch.wait(onFailure: .return)
        let items = await batch.stop()
        let again = try await batch.wait(onFailure: .return)
        XCTAssertEqual(again, items)
        let error = try await thrown { try await batch.wait() }
        XCTAssertEqual(error.kind, .runFailed)
        XCTAssertEqual(error.items, items)
    }

    func testAnEstimateSendsNothing() async throws {
        let world = try await world()
        let client = try world.client()
        let told = try await client.syncs.estimateMany(["no-such-sync", 2], atOnce: 1, runTime: .seconds(60))
        XCTAssertEqual([told.lookups, told.triggers, told.looks, told.requests], [1, 2, 2, 5])
        XCTAssertGreaterThanOrEqual(told.duration, .seconds(1))
        let requests = try await world.requests()
        XCTAssertEqual(requests.count, 0)
        let error = try await thrown { try await client.syncs.estimateMany(["no slug"]) }
        XCTAssertEqual(error.operation, "syncs.estimateMany")
    }
}
