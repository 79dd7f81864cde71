import Foundation
import XCTest

@testable import HightouchSDK

/// Cancelling a task gives `CancellationError` in whatever phase the call is, and the call is really over.
final class CancelTests: XCTestCase {
    private func assertCancels<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value, when ready: () async throws -> Void
    ) async throws {
        let task = Task { try await work() }
        try await ready()
        task.cancel()
        do {
            let value = try await task.value
            XCTFail("it gave \(value)")
        } catch {
            XCTAssert(error is CancellationError, "\(error)")
        }
    }

    func testWhileItWaitsForTheLimitItGivesItsPlaceBack() async throws {
        let world = try await Sandbox.running().world(["timeScale": 1])
        let client = try world.client { $0.limit = RateLimit(requests: 1, per: .seconds(600)) }
        _ = try await client.syncs.list().firstPage()
        try await assertCancels {
            try await client.syncs.list().firstPage()
        } when: {
            while try await client.stats().waiting.read != 1 { try await Task.sleep(for: .milliseconds(10)) }
        }
        let waiting = try await client.stats().waiting.read
        XCTAssertEqual(waiting, 0)
        let requests = try await world.requests()
        XCTAssertEqual(requests.count, 1)
    }

    func testWhileItConnectsItClosesTheSocket() async throws {
        let listener = try Listener()
        let client = try hightouch(
            "key", Configuration(baseURL: "https://127.0.0.1:\(listener.port)/api/v1"), ["environment": [:]])
        let accepted = Task.detached { try listener.accept() }
        try await assertCancels {
            try await client.syncs.list().firstPage()
        } when: {
            _ = try await accepted.value
        }
        let connection = try await accepted.value
        // The handshake never goes on; the end of the stream is what cancelling brings.
        try await Task.detached { try connection.readToEnd() }.value
    }

    func testWhileItReadsTheServerSeesItGo() async throws {
        let world = try await Sandbox.running().world([
            "script": [["when": ["operation": "ListSync"], "answer": ["hang": true]]]
        ])
        let client = try world.client()
        try await assertCancels {
            try await client.syncs.list().firstPage()
        } when: {
            try await world.until("the request has arrived") { $0.count == 1 }
        }
        try await world.until("the request has gone") { $0.first?["gone_ms"]?.double != nil }
    }

    func testBetweenPollsTheRunIsLeftAlone() async throws {
        let world = try await Sandbox.running().world(["slugs": ["orders"], "runs": ["seconds": 40]])
        let client = try world.client()
        let run = try await client.syncs.trigger("orders")
        try await assertCancels {
            try await run.wait()
        } when: {
            try await world.until("the run was looked at") { requests in
                requests.contains { $0["operation"] == "ListSyncRuns" && $0["status"] == 200 }
            }
        }
        let result = try await run.wait(timeout: .seconds(60))
        XCTAssertEqual(result.status, .success)
    }

    func testACallInACancelledTaskSendsNothing() async throws {
        let world = try await Sandbox.running().world()
        let client = try world.client()
        try await assertCancels {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await client.syncs.list().firstPage()
        } when: {
        }
        let requests = try await world.requests()
        XCTAssertEqual(requests.count, 0)
    }
}
