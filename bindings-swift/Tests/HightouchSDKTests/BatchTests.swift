import Foundation
import XCTest

@testable import HightouchSDK

/// Tests batches, which run many syncs at once.
final class BatchTests: XCTestCase {
    /// Creates a world with seven syncs. The runs of two syncs fail, and the run of a third sync ends with a warning.
    /// Time in the world passes ten times faster than real time.
    private func world(seconds: Int = 20, script: JSONValue = []) async throws -> World {
        try await Sandbox.running().world([
            "syncs": 7, "pastRuns": 0, "timeScale": 10, "script": script,
            "slugs": .array((1...7).map { .string("sync-\($0)") }),
            "runs": [
                "seconds": .int(seconds), "queuedSeconds": 0,
                "bySlug": [
                    "sync-2": ["status": "failed", "error": "the destination refused the key"],
                    "sync-4": ["status": "failed"],
                    "sync-5": ["status": "warning"],
                ],
            ],
        ])
    }

    /// A script that holds back the states of runs until the test gets a source, so that no batch ends earlier.
    private let endsAfterGetSource: JSONValue = [
        ["when": ["operation": "ListSyncRuns"], "answer": ["until": ["operation": "GetSource"]], "times": 1000]
    ]

    private func triggers(_ world: World) async throws -> Int {
        try await world.requests().count { $0["method"] == "POST" }
    }

    private func inProgress(_ batch: SyncBatch) -> [BatchItem] {
        batch.items.filter { $0.runToken != nil && $0.outcome == nil }
    }

    private func until(_ holds: () async throws -> Bool) async throws {
        while !(try await holds()) { try await Task.sleep(for: .milliseconds(10)) }
    }

    func testABatchThrowsOneErrorThatNamesEveryFailedSyncAndTheUnknownSlug() async throws {
        let world = try await world()
        let batch = try await world.client().syncs.runMany(["sync-1", "sync-2", 3, "sync-4", "no-such-sync"])
        let error = try await thrown { try await batch.wait() }
        XCTAssertEqual(error.kind, .runFailed)
        XCTAssertEqual(error.operation, "syncs.runMany")
        XCTAssertTrue(error.message.hasPrefix("syncs.runMany: 3 of 5 syncs did not succeed: "), error.message)
        for part in [
            "sync \"sync-2\" (run 900", "failed: the destination refused the key", "sync \"sync-4\" (run 900",
            "sync \"no-such-sync\": no sync has this slug",
        ] {
            XCTAssertTrue(error.message.contains(part), "\(part) is not in: \(error.message)")
        }
        XCTAssertEqual(error.items.map(\.index), [1, 3, 4])
        XCTAssertEqual(error.items.map(\.sync), ["sync-2", "sync-4", "no-such-sync"])
        let (failed, absent) = (try XCTUnwrap(error.items.first), try XCTUnwrap(error.items.last))
        XCTAssertEqual(failed.syncId, 2)
        XCTAssertEqual(failed.runId, failed.state?.id)
        XCTAssertEqual(failed.state?.error, "the destination refused the key")
        XCTAssertNil(failed.error)
        XCTAssertEqual(absent.error?.kind, .notFound)
        XCTAssertNil(absent.runToken)
        XCTAssertNil(error.syncRun)
        XCTAssertEqual(batch.items.map(\.outcome), [.success, .failure, .success, .failure, .notStarted])
        let sent = try await triggers(world)
        XCTAssertEqual(sent, 4)
        let copy = try JSONDecoder().decode(HightouchError.self, from: JSONEncoder().encode(error))
        XCTAssertEqual(copy, error)
    }

    func testFailuresAndWarningsAreReturnedOrThrownAsTheCallerWants() async throws {
        let world = try await world()
        let batch = try await world.client().syncs.runMany([4, 5, 6])
        let items = try await batch.wait(onFailure: .return)
        XCTAssertEqual(items.map(\.outcome), [.failure, .warning, .success])
        let both = try await thrown { try await batch.wait(onWarning: .throw) }
        XCTAssertTrue(both.message.contains(": 2 of 3 syncs did not succeed: sync 4 (run "), both.message)
        let one = try await thrown { try await batch.wait() }
        XCTAssertEqual(one.items.map(\.sync), [4])
        let again = try await batch.wait(onFailure: .return)
        XCTAssertEqual(again, items)
        let sent = try await triggers(world)
        XCTAssertEqual(sent, 3)
    }

    func testItemsComeAsTheyEndAndAgainInEveryIteration() async throws {
        let world = try await world()
        let batch = try await world.client().syncs.runMany([1, "no-such-sync", "sync-2", 3], atOnce: 2)
        var (seen, early): ([BatchItem], Int) = ([], 0)
        for try await item in batch {
            XCTAssertNotNil(item.outcome)
            if batch.items.contains(where: { $0.outcome == nil }) { early += 1 }
            seen.append(item)
        }
        // The item of the unknown slug ends first, although its slug was not passed first.
        XCTAssertEqual(seen.first?.sync, "no-such-sync")
        XCTAssertGreaterThanOrEqual(early, 1)
        XCTAssertEqual(seen.map(\.index).sorted(), [0, 1, 2, 3])
        let again = try await batch.reduce(into: []) { $0.append($1) }
        XCTAssertEqual(again, seen)
        XCTAssertEqual("\(batch)", "4 of 4 syncs have ended")
    }

    func testAtMostSoManySyncsAreInProgressAtOnceAndEachChangeIsReported() async throws {
        let world = try await world()
        let batch = try await world.client().syncs.runMany([1, 2, 3, 4, 5, 6, 7], atOnce: 2)
        let log = Progress()
        try await batch.wait(onFailure: .return) { await log.add($0) }
        let (most, ended) = await (log.most, log.ended)
        XCTAssertEqual(most, 2)
        XCTAssertEqual(ended, 7)
    }

    func testTheArgumentsAreThoseOfEveryTrigger() async throws {
        let world = try await world(seconds: 36_000)
        let client = try world.client()
        let first = try await client.syncs.trigger(1)
        let joining = try await client.syncs.runMany([1, 3], ifRunning: .join)
        try await until { inProgress(joining).count == 2 }
        XCTAssertEqual(joining.items.map(\.isJoined), [true, false])
        XCTAssertEqual(joining.items.first?.runId, first.id)
        let resync = try await client.syncs.runMany([6, 7], fullResync: true)
        try await until { inProgress(resync).count == 2 }
        let bodies = try await world.requests().filter { $0["method"] == "POST" }.suffix(2).map { $0["body"] }
        XCTAssertEqual(bodies.map { $0?["fullResync"] }, [true, true])
    }

    func testAWaitThatTimesOutSaysWhatIsInProgressAndCanBeRepeated() async throws {
        let world = try await world(seconds: 1, script: endsAfterGetSource)
        let client = try world.client()
        let batch = try await client.syncs.runMany([1, 3, 6], atOnce: 2)
        try await until { inProgress(batch).count == 2 }
        let error = try await thrown { try await batch.wait(timeout: .milliseconds(1)) }
        XCTAssertEqual(error.kind, .waitTimeout)
        XCTAssertTrue(
            error.message.contains("3 of 3 syncs had not ended: 2 in progress, 1 not started"), error.message)
        let token = try XCTUnwrap(error.details?[0]?["run"]?.string)
        let run = try await client.run(token)
        XCTAssertEqual(run.sync?.syncId, 1)
        _ = try await client.sources.get(1)
        let items = try await batch.wait(timeout: .milliseconds(Int64.max))
        XCTAssertEqual(items.map(\.outcome), [.success, .success, .success])
    }

    func testSeveralTasksCanWaitAndIterateAtOnce() async throws {
        let world = try await world(seconds: 1, script: endsAfterGetSource)
        let client = try world.client()
        let batch = try await client.syncs.runMany([1, 2, 3, 6], atOnce: 2)
        async let first = batch.wait(onFailure: .return)
        async let count = batch.reduce(0) { count, _ in count + 1 }
        async let failure = thrown { try await batch.wait() }
        for _ in 0..<20 {
            let timedOut = try await thrown { try await batch.wait(timeout: .milliseconds(5)) }
            XCTAssertEqual(timedOut.kind, .waitTimeout)
        }
        _ = try await client.sources.get(1)
        let (items, ended, failed) = try await (first, count, failure)
        XCTAssertEqual(items.map(\.outcome), [.success, .failure, .success, .success])
        XCTAssertEqual(ended, 4)
        XCTAssertEqual(failed.kind, .runFailed)
    }

    func testEachOfSeveralWaitsAndIterationsGetsEveryItemWhileShortWaitsTimeOut() async throws {
        let slugs = (1...12).map { "sync-\($0)" }
        let world = try await Sandbox.running().world([
            "syncs": 12, "pastRuns": 0, "slugs": .array(slugs.map { .string($0) }), "timeScale": 1000,
            "runs": ["seconds": 1, "bySlug": ["sync-12": ["status": "failed"]]], "limit": [100_000, 10],
        ])
        let client = try world.client { $0.limit = RateLimit(requests: 100_000, per: .seconds(10)) }
        for _ in 0..<30 {
            let batch = try await client.syncs.runMany(slugs.map { .slug($0) }, ifRunning: .queue)
            try await withThrowingTaskGroup(of: [BatchItem].self) { group in
                for _ in 0..<3 {
                    group.addTask { try await batch.reduce(into: []) { $0.append($1) } }
                    group.addTask {
                        let reported = Reported()
                        let failed = try await thrown { try await batch.wait { await reported.add($0) } }
                        XCTAssertEqual(failed.items.map(\.index), [11])
                        return await reported.items
                    }
                    group.addTask {
                        while true {
                            do {
                                return try await batch.wait(timeout: .milliseconds(1), onFailure: .return)
                            } catch let error as HightouchError where error.kind == .waitTimeout {}
                        }
                    }
                }
                for try await items in group {
                    XCTAssertEqual(items.map(\.index).sorted(), Array(0..<12))
                    for item in items { XCTAssertEqual(item.outcome, item.index == 11 ? .failure : .success) }
                }
            }
        }
    }

    func testABatchThatIsStoppedStartsNothingMoreAndSaysWhichRunsContinue() async throws {
        let world = try await world(seconds: 36_000)
        let client = try world.client()
        let batch = try await client.syncs.runMany([1, 2, 3, 4, 5, 6, 7], atOnce: 2)
        async let waiting = thrown { try await batch.wait() }
        async let expiring = thrown { try await batch.wait(timeout: .seconds(600)) }
        // Stops the batch when two triggers have been sent. Their answers may still be on the way.
        try await until { try await triggers(world) == 2 }
        let items = await batch.stop()
        XCTAssertEqual(items.map { $0.runToken != nil }, [true, true] + Array(repeating: false, count: 5))
        XCTAssertTrue(items.allSatisfy { $0.outcome == nil })
        let again = await batch.stop()
        XCTAssertEqual(again, items)
        for error in [try await waiting, try await expiring, try await thrown { try await batch.wait() }] {
            XCTAssertEqual(error.kind, .closed)
        }
        for try await item in batch { XCTFail("\(item)") }
        let sent = try await triggers(world)
        XCTAssertEqual(sent, 2)
        let run = try await client.run(try XCTUnwrap(items[1].runToken))
        XCTAssertEqual(run.sync?.syncId, 2)
    }

    func testCancellingAWaitOrAnIterationStopsTheBatchAndTheErrorHasTheRunsThatContinue() async throws {
        let world = try await world(seconds: 36_000)
        let client = try world.client()
        let works: [@Sendable (SyncBatch) async throws -> Void] = [
            { try await $0.wait() },
            { try await $0.wait(timeout: .seconds(600)) },
            { for try await _ in $0 {} },
        ]
        for (number, work) in works.enumerated() {
            let batch = try await client.syncs.runMany([1, "sync-2", 3], atOnce: 2)
            let task = Task { try await work(batch) }
            try await until { try await triggers(world) == 2 * (number + 1) }
            task.cancel()
            let error = try await thrown { try await task.value }
            XCTAssertEqual(error.kind, .cancelled)
            XCTAssertEqual(error.items, inProgress(batch))
            XCTAssertTrue(error.message.contains("stopped while 2 runs were in progress"), error.message)
            XCTAssertEqual(inProgress(batch).map(\.sync), [1, "sync-2"])
            let after = try await thrown { try await batch.wait(timeout: .seconds(5)) }
            XCTAssertEqual(after.kind, .closed)
        }
        let sent = try await triggers(world)
        XCTAssertEqual(sent, 2 * works.count)
    }

    func testABatchOfACancelledTaskSendsNothing() async throws {
        let world = try await world()
        let client = try world.client()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await client.syncs.runMany([1])
        }
        do {
            try await task.value
            XCTFail("the task was cancelled")
        } catch {
            XCTAssertTrue(error is CancellationError, "\(error)")
        }
        let requests = try await world.requests()
        XCTAssertEqual(requests.count, 0)
    }

    func testAWrongArgumentIsRejectedAndNothingIsSent() async throws {
        let world = try await world()
        let client = try world.client()
        let slug = try await thrown { try await client.syncs.runMany(["sync-1", "no slug"]) }
        XCTAssertEqual(slug.kind, .invalidRequest)
        XCTAssertTrue(slug.message.contains("\"no slug\""), slug.message)
        for atOnce in [0, -1] {
            let error = try await thrown { try await client.syncs.runMany([1], atOnce: atOnce) }
            XCTAssertEqual(error.kind, .invalidRequest)
            XCTAssertTrue(error.message.contains("atOnce"), error.message)
        }
        let contradicting = try await thrown {
            try await client.syncs.runMany([1], fullResync: true, ifRunning: .join)
        }
        XCTAssertEqual(contradicting.kind, .invalidRequest)
        let empty = try await client.syncs.runMany([])
        let timeout = try await thrown { try await empty.wait(timeout: .seconds(-1)) }
        XCTAssertEqual(timeout.kind, .invalidRequest)
        let items = try await empty.wait(timeout: .zero)
        XCTAssertEqual(items, [])
        let requests = try await world.requests()
        XCTAssertEqual(requests.count, 0)
    }

    func testABatchOfAClientThatIsClosedEndsWithAnErrorForEachSync() async throws {
        let world = try await world(seconds: 36_000)
        let client = try world.client()
        let batch = try await client.syncs.runMany([1, 3, 6], atOnce: 2)
        async let waiting = thrown { try await batch.wait() }
        try await until { inProgress(batch).count == 2 }
        try await client.close()
        let error = try await waiting
        XCTAssertEqual(error.kind, .runFailed)
        XCTAssertTrue(error.message.contains("3 of 3 syncs did not succeed"), error.message)
        XCTAssertEqual(error.items.map(\.error?.kind), [.closed, .closed, .closed])
        let late = try await thrown { try await client.syncs.runMany([1]) }
        XCTAssertEqual(late.kind, .closed)
    }

    func testARejectedKeyEndsABatchAfterTheFirstSyncsAndTheirErrorsHaveTheErrorOfTheCredentialsFunction() async throws {
        let world = try await world()
        let client = try world.client()
        try await client.setAPIKey("wrong-key-0123456789abcdef0123456789ab")
        let items = try await client.syncs.runMany([1, 2, 3, 4, 5, 6, 7], atOnce: 2).wait(onFailure: .return)
        XCTAssertTrue(items.allSatisfy { $0.error?.kind == .authentication })
        let sent = try await triggers(world)
        XCTAssertEqual(sent, 2)
        let failing = try world.client(credentials: { throw TestFailure(description: "no key today") })
        let keyless = try await failing.syncs.runMany([1]).wait(onFailure: .return)
        XCTAssertEqual((keyless.first?.error?.underlying as? TestFailure)?.description, "no key today")
    }

    func testABatchThatIsReleasedStartsNothingMore() async throws {
        let world = try await world(script: [["when": ["operation": "ListSyncRuns"], "answer": ["hang": true]]])
        // With this timeout, the request for the state of the run only ends if the batch cancels it.
        let client = try world.client { $0.timeout = .seconds(3_600) }
        do {
            let batch = try await client.syncs.runMany([1, 2, 3, 4, 5, 6, 7], atOnce: 1)
            try await until { inProgress(batch).count == 1 }
            try await world.until("the batch asks for the run") { $0.contains { $0["operation"] == "ListSyncRuns" } }
        }
        try await world.until("the batch cancels its request") { $0.contains { $0["gone_ms"]?.double != nil } }
        // If the batch continued, its next trigger would be sent before this request.
        _ = try await client.syncs.get(1)
        let sent = try await triggers(world)
        XCTAssertEqual(sent, 1)
    }
}

/// Returns the error that `work` throws.
func thrown(by work: () async throws -> Any) async throws -> HightouchError {
    do {
        let value = try await work()
        throw TestFailure(description: "it returned \(value)")
    } catch let error as HightouchError {
        return error
    }
}

/// Counts the syncs that are in progress.
private actor Progress {
    private var running: Set<Int> = []
    private(set) var most = 0
    private(set) var ended = 0

    func add(_ item: BatchItem) {
        if item.outcome == nil {
            running.insert(item.index)
        } else {
            running.remove(item.index)
            ended += 1
        }
        most = max(most, running.count)
    }
}

/// Keeps the last report about each item.
private actor Reported {
    private var byIndex: [Int: BatchItem] = [:]

    var items: [BatchItem] { Array(byIndex.values) }

    func add(_ item: BatchItem) { byIndex[item.index] = item }
}
