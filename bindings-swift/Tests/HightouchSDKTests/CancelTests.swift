import Foundation
import XCTest

@testable import HightouchSDK

/// Cancelling a task ends its call in every phase, and the error says whether the call left something behind.
final class CancelTests: XCTestCase {
    /// Runs `work` in a task, cancels the task when `ready` returns, and returns the error that `work` throws.
    private func thrown<Value: Sendable>(
        by work: @escaping @Sendable () async throws -> Value, cancelledWhen ready: () async throws -> Void
    ) async throws -> any Error {
        let task = Task { try await work() }
        try await ready()
        task.cancel()
        do {
            throw TestFailure(description: "it returned \(try await task.value)")
        } catch let failure as TestFailure {
            throw failure
        } catch {
            return error
        }
    }

    private func assertCancels<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value, when ready: () async throws -> Void
    ) async throws {
        let error = try await thrown(by: work, cancelledWhen: ready)
        XCTAssert(error is CancellationError, "\(error)")
    }

    func testACallThatIsCancelledWhileItWaitsForTheLimitLeavesTheQueue() async throws {
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

    func testACallThatIsCancelledWhileItConnectsClosesTheSocket() async throws {
        let listener = try Listener()
        let client = try hightouch(
            "key", Configuration(baseURL: "https://127.0.0.1:\(listener.port)/api/v1"), ["environment": [:]])
        let accepted = Task { try await listener.accept() }
        try await assertCancels {
            try await client.syncs.list().firstPage()
        } when: {
            _ = try await accepted.value
        }
        // The listener never answers the TLS handshake, so only cancelling the call can close the connection.
        try await accepted.value.readToEnd()
    }

    func testACallThatIsCancelledWhileItReadsClosesItsRequest() async throws {
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

    func testATriggerThatIsCancelledAfterSendingSaysThatARunMayHaveStarted() async throws {
        let world = try await Sandbox.running().world([
            "script": [["when": ["operation": "TriggerRun"], "answer": ["hang": true]]]
        ])
        let ended = Ends()
        let client = try world.client(hooks: ended.hooks)
        let error = try await thrown {
            try await client.syncs.trigger(1)
        } cancelledWhen: {
            try await world.until("the request has arrived") { $0.count == 1 }
        }
        let failure = try XCTUnwrap(error as? HightouchError)
        XCTAssertEqual(failure.kind, .cancelled)
        XCTAssertNotNil(failure.hint)
        XCTAssertEqual(ended.errors as? [HightouchError], [failure])
    }

    func testATriggerThatIsCancelledBeforeSendingThrowsCancellationErrorAndHooksReceiveTheCoresError() async throws {
        let world = try await Sandbox.running().world(["timeScale": 1])
        let ended = Ends()
        let client = try world.client({ $0.limit = RateLimit(requests: 1, per: .seconds(600)) }, hooks: ended.hooks)
        _ = try await client.syncs.list().firstPage()
        try await assertCancels {
            try await client.syncs.trigger(1)
        } when: {
            while try await client.stats().waiting.trigger != 1 { try await Task.sleep(for: .milliseconds(10)) }
        }
        let failure = try XCTUnwrap(ended.errors.last as? HightouchError)
        XCTAssertEqual(failure.kind, .cancelled)
        XCTAssertNotNil(failure.meta)
        XCTAssertNil(failure.hint)
        let requests = try await world.requests()
        XCTAssertEqual(requests.count, 1)
    }

    /// The caller of `trigger(1).wait()` never has the handle, so only the error can pass on the token of the run.
    func testTheErrorOfACancelledWaitContainsTheTokenAndTheRunContinues() async throws {
        let world = try await Sandbox.running().world(["runs": ["seconds": 1_000_000]])
        let client = try world.client()
        let error = try await thrown {
            try await client.syncs.trigger(1).wait()
        } cancelledWhen: {
            try await world.until("the run was looked at") { requests in
                requests.contains { $0["operation"] == "ListSyncRuns" && $0["status"] == 200 }
            }
        }
        let failure = try XCTUnwrap(error as? HightouchError)
        XCTAssertEqual(failure.kind, .cancelled)
        XCTAssertNotNil(failure.hint)
        let resumed = try await client.run(try XCTUnwrap(failure.run))
        let run = try XCTUnwrap(resumed.sync)
        XCTAssertEqual(run.syncId, 1)
        do {
            try await run.wait(timeout: .zero)
            XCTFail("the run continues")
        } catch let error as HightouchError {
            XCTAssertEqual(error.kind, .waitTimeout)
        }
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

/// Records the errors of calls. The records have a lock, because any thread may call a hook.
private final class Ends: @unchecked Sendable {
    private let lock = NSLock()
    private var all: [any Error] = []

    var errors: [any Error] { lock.withLock { all } }

    var hooks: Hooks {
        Hooks(onEnd: { end in
            if let error = end.error { self.lock.withLock { self.all.append(error) } }
        })
    }
}
