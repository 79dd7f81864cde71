import Foundation
import XCTest

@testable import HightouchSDK

/// Tests the ids of calls, and headers that hooks add.
final class HookTests: XCTestCase {
    func testTheStartTheEndAndTheMetaOfACallShareItsId() async throws {
        let world = try await Sandbox.running().world(["slugs": ["orders"], "runs": ["seconds": 1]])
        let seen = Seen()
        let client = try world.client(hooks: seen.hooks)
        _ = try await client.syncs.trigger("orders").wait(timeout: .seconds(60))
        do {
            _ = try await client.syncs.get(999)
            XCTFail("there is no such sync")
        } catch {}
        try await withThrowingTaskGroup(of: Void.self) { group in
            for id in 1...3 {
                group.addTask { _ = try await client.syncs.get(.id(id)) }
            }
            try await group.waitForAll()
        }
        try await client.close()

        XCTAssertEqual(Set(seen.starts.map(\.callId)).count, seen.starts.count)
        XCTAssertEqual(seen.starts.count, seen.ends.count)
        for start in seen.starts {
            let end = try XCTUnwrap(seen.ends.first { $0.callId == start.callId })
            XCTAssertEqual([end.operation, end.resource, end.sync], [start.operation, start.resource, start.sync])
            let meta = try XCTUnwrap(end.meta)
            XCTAssertEqual([meta.callId, meta.resource, meta.sync], [start.callId, start.resource, start.sync])
        }
        let trigger = try XCTUnwrap(seen.starts.first)
        let address = try XCTUnwrap(URLComponents(string: try world.text("baseUrl")))
        XCTAssertEqual(trigger.operation, "syncs.trigger")
        XCTAssertEqual(trigger.operationId, "TriggerRunCustom")
        XCTAssertEqual(trigger.resource, "sync \"orders\"")
        XCTAssertEqual(trigger.sync, "orders")
        XCTAssertEqual(trigger.httpMethod, "POST")
        XCTAssertEqual(trigger.urlTemplate, "/syncs/trigger")
        XCTAssertEqual(trigger.serverAddress, address.host)
        XCTAssertEqual(trigger.serverPort, address.port)
        let attempts = try XCTUnwrap(seen.ends.first?.meta?.attempts)
        XCTAssertEqual(attempts.count, 2)
        XCTAssertGreaterThanOrEqual(attempts[1].atMs, attempts[0].atMs + attempts[0].ms)
    }

    func testAHookSetsTheHeadersOfAllRequestsOfACall() async throws {
        let world = try await Sandbox.running().world(["slugs": ["orders"]])
        let seen = Seen()
        let client = try world.client(
            hooks: Hooks(onStart: { call in
                seen.add(call)
                call.headers["traceparent"] = "00-\(call.callId)-00f067aa0ba902b7-01"
                call.headers["x-taken-away"] = nil
            }))
        let options = CallOptions(headers: ["x-kept": "yes", "x-taken-away": "yes"])
        _ = try await client.syncs.trigger("orders", options: options)
        try await client.close()
        let requests = try await world.requests()
        XCTAssertEqual(requests.count, 2)
        let start = try XCTUnwrap(seen.starts.first)
        XCTAssertEqual(start.headers, ["x-kept": "yes", "x-taken-away": "yes"])
        for request in requests {
            XCTAssertEqual(request["headers"]?["traceparent"]?.string, "00-\(start.callId)-00f067aa0ba902b7-01")
            XCTAssertEqual(request["headers"]?["x-kept"]?.string, "yes")
            XCTAssertNil(request["headers"]?["x-taken-away"])
        }
    }

    func testHooksSeeEachRequestOfABatchWithTheHeadersOfTheCallThatStartedIt() async throws {
        let world = try await Sandbox.running().world([
            "syncs": 3, "pastRuns": 0, "timeScale": 50, "slugs": ["orders"], "runs": ["seconds": 1],
        ])
        let seen = Seen()
        let client = try world.client(
            hooks: Hooks(
                onStart: { call in
                    seen.add(call)
                    if call.operation == "syncs.runMany" { call.headers["traceparent"] = "00-\(call.callId)" }
                },
                onEnd: { seen.add($0) }))
        let before = Int(Date().timeIntervalSince1970 * 1000)
        let items = try await client.syncs.runMany(["orders", 2, 999]).wait(onFailure: .return)
        try await client.close()
        XCTAssertEqual(items.map(\.outcome), [.success, .success, .notStarted])
        let (starts, ends) = (seen.starts, seen.ends)
        XCTAssertEqual(starts.map(\.callId), ends.map(\.callId))
        let first = try XCTUnwrap(starts.first)
        XCTAssertEqual(first.operation, "syncs.runMany")
        XCTAssertNil(first.batchCallId)
        let sent = try await world.requests()
        for request in sent {
            XCTAssertEqual(request["headers"]?["traceparent"]?.string, "00-\(first.callId)")
        }
        let sentIds = sent.compactMap { $0["headers"]?["x-request-id"]?.string }.sorted()
        XCTAssertEqual(ends.dropFirst().compactMap { $0.meta?.requestId }.sorted(), sentIds)
        for (start, end) in zip(starts, ends).dropFirst() {
            XCTAssertEqual(start.batchCallId, first.callId)
            XCTAssertEqual(end.batchCallId, first.callId)
            XCTAssertEqual(start.headers, ["traceparent": "00-\(first.callId)"])
            XCTAssertEqual([end.operation, end.sync], [start.operation, start.sync])
            XCTAssertGreaterThanOrEqual(start.startedMs, before - 1)
            XCTAssertEqual(end.meta?.attempts.count, 1)
        }
        let triggers = starts.filter { $0.operation == "syncs.trigger" }
        XCTAssertEqual(triggers.compactMap(\.sync).sorted(), ["2", "999", "orders"])
        XCTAssertTrue(starts.contains { $0.operation == "run" && $0.resource?.hasPrefix("run ") == true })
        XCTAssertEqual(ends.compactMap { ($0.error as? HightouchError)?.kind }, [.notFound])
    }

    func testAHeaderThatTheOptionMayNotSetIsRefusedFromAHookToo() async throws {
        let world = try await Sandbox.running().world()
        for name in ["Authorization", "X-Request-Id", "a b"] {
            let client = try world.client(hooks: Hooks(onStart: { $0.headers[name] = "x" }))
            do {
                _ = try await client.syncs.get(1)
                XCTFail("\(name) was sent")
            } catch let error as HightouchError {
                XCTAssertEqual(error.kind, .invalidRequest)
            }
            try await client.close()
        }
        let requests = try await world.requests()
        XCTAssertEqual(requests.count, 0)
    }
}

/// Records the starts and the ends of calls. The records have a lock, because any thread may call a hook.
private final class Seen: @unchecked Sendable {
    private let lock = NSLock()
    private var (began, ended): ([CallStart], [CallEnd]) = ([], [])

    var starts: [CallStart] { lock.withLock { began } }
    var ends: [CallEnd] { lock.withLock { ended } }
    var hooks: Hooks { Hooks(onStart: { self.add($0) }, onEnd: { self.add($0) }) }

    func add(_ call: CallStart) { lock.withLock { began.append(call) } }
    func add(_ call: CallEnd) { lock.withLock { ended.append(call) } }
}
