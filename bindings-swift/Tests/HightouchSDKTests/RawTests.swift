import Foundation
import XCTest

@testable import HightouchSDK

/// Tests the methods of `withRawResponse`.
final class RawTests: XCTestCase {
    func testEachRawResponseParsesToTheResultOrTheErrorOfItsMethod() async throws {
        var called: Set<String> = []
        // No scenario `operation-…` calls a method that looks up a run. The scenarios below call such methods, so the
        // test plays these scenarios too.
        let lookups = [
            "a-run-that-is-not-listed-is-not-found-and-the-error-names-the-sync-and-the-run",
            "a-run-that-somebody-else-started-is-followed-by-its-id",
            "a-sync-or-an-identity-graph-without-runs-has-no-latest-run",
            "the-latest-run-of-a-short-list-costs-one-request-and-may-have-ended",
        ]
        let files = try FileManager.default.contentsOfDirectory(atPath: scenarios().path).sorted()
        let ids = files.map { $0.replacingOccurrences(of: ".json", with: "") }
        for id in ids where id.hasPrefix("operation-") || lookups.contains(id) {
            let scenario = try scenario(id)
            let world = try await Sandbox.running().world(scenario["world"] ?? [:])
            var player = Player(scenario: scenario, world: world, isRaw: true)
            do {
                try await player.play()
            } catch {
                XCTFail("\(id): \(error)")
            }
            called.formUnion((scenario["steps"]?.array ?? []).compactMap { $0["call"]?.string })
            try await world.delete()
        }
        XCTAssertEqual(Set(allOperations).subtracting(called), [], "no scenario calls these operations")
    }

    func testARawResponseIsParsedAfterItsClientIsClosed() async throws {
        let broken: JSONValue = ["when": ["operation": "GetSource"], "answer": ["status": 200, "text": "<html>"]]
        let client = try await Sandbox.running().world(["script": [broken]]).client()
        let sync = try await client.syncs.get(2)
        let response = try await client.syncs.withRawResponse.get(2)
        let run = try await client.syncs.withRawResponse.trigger(3)
        let unreadable = try await client.sources.withRawResponse.get(1)
        try await client.close()
        let (parsed, handle) = (try await response.parse(), try await run.parse())
        XCTAssertEqual(parsed, sync)
        XCTAssertEqual(handle.syncId, 3)
        XCTAssertEqual(unreadable.text, "<html>")
        do {
            _ = try await unreadable.parse()
            XCTFail("an answer that cannot be read was parsed")
        } catch let error as HightouchError {
            XCTAssertEqual(error.kind, .protocol)
        }
    }

    func testAKeyThatAHeaderRepeatsIsNotInTheRawResponse() async throws {
        let world = try await Sandbox.running().world([
            "script": [["answer": ["headers": ["X-Echo": "Bearer {{key}}", "X-Percent": "{{key:percent}}"]]]]
        ])
        let response = try await world.client().syncs.withRawResponse.get(1)
        Trace.note(raw: response)
        let key = try world.text("apiKey")
        let echo = try XCTUnwrap(response.headers["x-echo"])
        XCTAssert(echo.hasPrefix("Bearer "), "the sandbox did not repeat the key")
        XCTAssertFalse("\(response.headers) \(response.meta)".contains(key))
    }
}
