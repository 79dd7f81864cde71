import Foundation
import XCTest

@testable import HightouchSDK

final class ClientTests: XCTestCase {
    private let canary = "canary-5f2c1b9d-key"

    private func shown(_ value: Any) -> [String] {
        var dumped = ""
        dump(value, to: &dumped)
        return ["\(value)", String(reflecting: value), dumped]
    }

    func testNoDescriptionOfTheClientOrItsObjectsContainsTheKey() async throws {
        let world = try await Sandbox.running().world()
        let client = try world.client()
        try await client.setAPIKey(canary)
        let list = client.syncs.list()
        for value in [client, client.syncs, list, list.makeAsyncIterator()] as [Any] {
            for text in shown(value) { XCTAssertFalse(text.contains(canary), text) }
        }
        do {
            _ = try await list.firstPage()
            XCTFail("the sandbox does not know this key")
        } catch {
            XCTAssertEqual((error as? HightouchError)?.kind, .authentication)
            for text in shown(error) { XCTAssertFalse(text.contains(canary), text) }
        }
    }

    func testNoDescriptionOfTheConfigurationContainsTheProxysPassword() {
        let configuration = Configuration(proxy: Secret("http://user:\(canary)@127.0.0.1:1"))
        for text in shown(configuration) { XCTAssertFalse(text.contains(canary), text) }
    }

    func testTheErrorOfAnInvalidKeyDoesNotContainTheKey() {
        XCTAssertThrowsError(try Hightouch(apiKey: canary + " x")) { error in
            XCTAssertEqual((error as? HightouchError)?.kind, .config)
            for text in shown(error) { XCTAssertFalse(text.contains(canary), text) }
        }
    }

    func testInvalidSettingsAreDiagnosedAndNotThrown() async throws {
        let world = try await Sandbox.running().world()
        let base = try world.text("baseUrl")
        let diagnosis = try await Hightouch.diagnose(apiKey: canary + " x", configuration: Configuration(baseURL: base))
        XCTAssertFalse(diagnosis.ok)
        XCTAssertEqual(diagnosis.findings.map(\.code), ["malformed_key"])
        XCTAssertEqual(diagnosis.baseUrl, base)
        let finding = try XCTUnwrap(diagnosis.findings.first)
        XCTAssertEqual("\(diagnosis)", diagnosis.text)
        XCTAssertTrue(diagnosis.text.contains("malformed_key: \(finding.message)"), diagnosis.text)
        XCTAssertTrue(diagnosis.text.contains(try XCTUnwrap(finding.advice)), diagnosis.text)
        for text in shown(diagnosis) { XCTAssertFalse(text.contains(canary), text) }
    }

    func testADiagnosisOfASettingThatJSONCannotExpressFindsIt() async throws {
        let diagnosis = try await Hightouch.diagnose(apiKey: "k", configuration: Configuration(share: .nan))
        XCTAssertEqual(diagnosis.findings.map(\.code), ["config"])
    }

    func testADiagnosisFindsAnUnknownKey() async throws {
        let world = try await Sandbox.running().world()
        let client = try world.client()
        try await client.setAPIKey(canary)
        let diagnosis = try await client.diagnose()
        XCTAssertEqual(diagnosis.findings.map(\.code), ["bad_token"])
        XCTAssertEqual(diagnosis.tls?.keyExchange, "X25519MLKEM768")
        for text in shown(diagnosis) { XCTAssertFalse(text.contains(canary), text) }
    }

    func testAPanicInTheCoreBecomesAnErrorAndTheClientStaysUsable() async throws {
        let world = try await Sandbox.running().world()
        let client = try hightouch(
            try world.text("apiKey"),
            Configuration(baseURL: try world.text("baseUrl"), caBundle: world.sandbox.line["ca"]?.string),
            ["selfTest": true, "environment": [:]])
        do {
            _ = try await client.door.call("client.panic")
            XCTFail("the call panics")
        } catch {
            XCTAssertEqual((error as? HightouchError)?.kind, .internal)
        }
        let page = try await client.syncs.list().firstPage()
        XCTAssertEqual(page.items.count, 3)
    }

    func testAClientCanBeClosedInACancelledTaskAndTwice() async throws {
        let client = try await Sandbox.running().world().client()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await client.close()
        }
        try await task.value
        try await client.close()
        do {
            _ = try await client.syncs.list().firstPage()
            XCTFail("the client is closed")
        } catch {
            XCTAssertEqual((error as? HightouchError)?.kind, .closed)
        }
    }

    func testAListCanBeReadByElementByPageAsItsFirstPageOrWhole() async throws {
        let client = try await Sandbox.running().world(["syncs": 7]).client()
        let list = client.syncs.list(limit: 3)
        var ids: [Int] = []
        for try await sync in list { ids.append(sync.id) }
        var pages: [Page<Sync>] = []
        for try await page in list.pages { pages.append(page) }
        let first = try await list.firstPage()
        let all = try await list.all()
        XCTAssertEqual(ids, Array(1...7))
        XCTAssertEqual(pages.flatMap(\.items).map(\.id), ids)
        XCTAssertEqual(pages.map(\.isLast), pages.indices.map { $0 == pages.count - 1 })
        XCTAssertEqual(first.items.map(\.id), [1, 2, 3])
        XCTAssertFalse(first.isLast)
        XCTAssertEqual(all.map(\.id), ids)
    }

    func testAnIterationEndsAfterAnError() async throws {
        let world = try await Sandbox.running().world([
            "syncs": 5,
            "script": [["when": ["operation": "ListSync", "nth": 2], "answer": ["status": 404, "body": [:]]]],
        ])
        var iterator = try world.client().syncs.list(limit: 2).makeAsyncIterator()
        _ = try await iterator.next()
        _ = try await iterator.next()
        do {
            _ = try await iterator.next()
            XCTFail("the second page is a 404")
        } catch {
            XCTAssertEqual((error as? HightouchError)?.kind, .notFound)
        }
        let after = try await iterator.next()
        XCTAssertNil(after)
    }

    func testProgressReceivesEachChangeAndTheErrorOfAFailedRunContainsTheRun() async throws {
        let world = try await Sandbox.running().world([
            "slugs": ["orders"], "runs": ["seconds": 10, "status": "failed", "error": "No such table."],
        ])
        let run = try await world.client().syncs.trigger("orders")
        let seen = Seen()
        do {
            try await run.wait(timeout: .seconds(60)) { await seen.add($0.status) }
            XCTFail("the run fails")
        } catch let error as HightouchError {
            XCTAssertEqual(error.kind, .runFailed)
            XCTAssertEqual(error.syncRun?.error, "No such table.")
            XCTAssertEqual(error.run, run.token)
        }
        let states = await seen.states
        XCTAssertFalse(states.isEmpty)
        let failed = try await run.wait(onFailure: .return)
        XCTAssertEqual(failed.status, .failed)
        let again = try await world.client().run(run.token)
        XCTAssertEqual("\(again)", "run \(run.id) of sync 1")
    }

    func testAnInvalidTokenIsRejectedAndNothingIsSent() async throws {
        let world = try await Sandbox.running().world()
        do {
            _ = try await world.client().run("bm9uZQ")
            XCTFail("the token is invalid")
        } catch {
            XCTAssertEqual((error as? HightouchError)?.kind, .invalidRequest)
        }
        let requests = try await world.requests()
        XCTAssertEqual(requests.count, 0)
    }
}

private actor Seen {
    private(set) var states: [SyncRunStatus] = []

    func add(_ status: SyncRunStatus) { states.append(status) }
}
