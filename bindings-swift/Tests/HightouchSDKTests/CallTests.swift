import Foundation
import XCTest

@testable import HightouchSDK

/// Tests hooks, raw responses, arguments that are absent, null or set, and runs that are opened from a token.
final class CallTests: XCTestCase {
    func testHooksReceiveTheStartAndTheEndOfEachCallThatMaySend() async throws {
        let world = try await Sandbox.running().world(["syncs": 250])
        let log = CallLog()
        let hooks = Hooks(onStart: { log.add("start \($0.operation) \($0.operationId ?? "")") }, onEnd: { log.add($0) })
        let client = try world.client(hooks: hooks)
        _ = try await client.syncs.list().all()
        do {
            _ = try await client.syncs.get(999)
            XCTFail("there is no such sync")
        } catch {
            XCTAssertEqual((error as? HightouchError)?.kind, .notFound)
        }
        _ = try await client.stats()
        _ = try await client.syncSequences.trigger("nightly")
        try await client.close()
        let names = ["start syncSequences.trigger TriggerSequenceRun", "end syncSequences.trigger 200"]
        let pages = Array(repeating: ["start syncs.list ListSync", "end syncs.list 200"], count: 3).flatMap { $0 }
        XCTAssertEqual(log.lines, pages + ["start syncs.get GetSync", "end syncs.get 404 notFound"] + names)
    }

    /// Each step of following a run has the same name everywhere, `run`. The name of the operation that reads the run
    /// (`syncs.runs`) does not appear.
    func testAFollowedRunIsNamedRunInHooksMetaAndErrors() async throws {
        let unfinished: JSONValue = [
            ["at": "/data/0/status", "set": "querying"], ["at": "/data/0/finishedAt", "set": nil],
        ]
        let world = try await Sandbox.running().world([
            "script": [["when": ["operation": "ListSyncRuns"], "answer": ["edit": unfinished]]]
        ])
        let log = CallLog()
        let client = try world.client(
            hooks: Hooks(onEnd: { log.add("\($0.operation) \($0.meta?.operation ?? "")") }))
        let run = try await client.syncs.trigger(1)
        do {
            try await run.wait(timeout: .zero)
            XCTFail("the run continues")
        } catch let error as HightouchError {
            XCTAssertEqual(error.operation, "run")
            XCTAssertEqual(error.resource, "run \(run.id) of sync 1")
        }
        _ = try await run.wait(timeout: .seconds(60))
        _ = try await client.diagnose()
        XCTAssertEqual(Set(log.lines), ["syncs.trigger syncs.trigger", "run run", "diagnose diagnose"])
    }

    func testARunThatFailedHasAProblemInItsErrorInListsAndInBatches() async throws {
        let world = try await Sandbox.running().world([
            "pastRuns": 0, "runs": ["seconds": 1, "status": "failed", "error": "SLACK_NO_TEXT"],
        ])
        let client = try world.client()
        do {
            try await client.syncs.trigger(1).wait()
            XCTFail("the run failed")
        } catch let error as HightouchError {
            let problem = try XCTUnwrap(error.problem)
            XCTAssertEqual(problem.code, "SLACK_NO_TEXT")
            XCTAssertEqual(problem.category, .invalidData)
            XCTAssertFalse(problem.guessed)
            XCTAssertEqual(error.hint, "\(problem.summary) \(problem.advice)")
            let copy = try JSONDecoder().decode(HightouchError.self, from: JSONEncoder().encode(error))
            XCTAssertEqual(copy.problem, problem)
            let runs = try await client.syncs.runs(1).all()
            XCTAssertEqual(runs.map(\.problem), [problem])
        }
        let items = try await client.syncs.runMany([2]).wait(onFailure: .return)
        XCTAssertEqual(items.map { $0.state?.problem?.code }, ["SLACK_NO_TEXT"])
        XCTAssertNil(SyncRun(id: 1, status: .success).problem)
        XCTAssertEqual(SyncRun(id: 1, status: .failed, error: "Query timed out").problem?.guessed, true)
        try await client.close()
    }

    func testARawResponseHasStatusHeadersAndBodyAndParsesToTheResultOfTheMethod() async throws {
        let world = try await Sandbox.running().world(["syncs": 250])
        let client = try world.client()
        let response = try await client.syncs.withRawResponse.get(7)
        XCTAssertEqual(response.status, 200)
        XCTAssertEqual(response.headers["content-type"]?.hasPrefix("application/json"), true)
        XCTAssertEqual(response.meta.operation, "syncs.get")
        let body = try Coding.decoder().decode(JSONValue.self, from: response.body)
        XCTAssertEqual(body["id"], 7)
        XCTAssertEqual(response.text, String(decoding: response.body, as: UTF8.self))
        let sent = try await world.requests().count
        let parsed = try await response.parse()
        let after = try await world.requests().count
        XCTAssertEqual(sent, after)
        let plain = try await client.syncs.get(7)
        XCTAssertEqual(parsed, plain)
    }

    func testARawListParsesToItsFirstPageAndARawTriggerToAHandle() async throws {
        let world = try await Sandbox.running().world(["syncs": 250])
        let client = try world.client()
        let rows = try await client.syncs.withRawResponse.list(limit: 20).parse()
        XCTAssertEqual(rows.map(\.id), Array(1...20))
        let run = try await client.syncs.withRawResponse.trigger(1).parse()
        XCTAssertEqual(run.syncId, 1)
        let end = try await run.wait(timeout: .seconds(60))
        XCTAssertEqual(end.status, .success)
        try await client.models.withRawResponse.delete(1).parse()
    }

    func testParsingARawResponseThrowsTheErrorUnderStatus200() async throws {
        let world = try await Sandbox.running().world([
            "script": [["when": ["operation": "GetDomain"], "answer": ["body": "Internal Server Error"]]]
        ])
        let response = try await world.client().eventDomains.withRawResponse.get("domain-000001")
        XCTAssertEqual(response.text, #""Internal Server Error""#)
        do {
            _ = try await response.parse()
            XCTFail("the response is an error")
        } catch {
            XCTAssertEqual((error as? HightouchError)?.kind, .server)
        }
    }

    func testAScheduleCanBeCopiedToAnotherSyncAndCleared() async throws {
        let world = try await Sandbox.running().world()
        let client = try world.client()
        let schedule = Schedule(type: "cron", schedule: .cron(CronRule(expression: "0 4 * * *")))
        let first = try await client.syncs.update(1, schedule: .set(schedule))
        let second = try await client.syncs.update(2, schedule: .setOrClear(first.schedule))
        XCTAssertEqual(second.schedule, schedule)
        let untouched = try await client.syncs.update(2, disabled: true)
        XCTAssertEqual(untouched.schedule, schedule)
        let cleared = try await client.syncs.update(2, schedule: .null)
        XCTAssertNil(cleared.schedule)
        let bodies = try await world.requests().compactMap { $0["body"] }
        XCTAssertEqual(bodies.map { $0["schedule"] == nil }, [false, false, true, false])
    }

    /// `schedule` is a `Patch` and `configuration` is an optional. For both, nil leaves the field as it is.
    func testNilLeavesEachFieldOfAnUpdateAsItIs() async throws {
        let world = try await Sandbox.running().world()
        let client = try world.client()
        let schedule = Schedule(type: "cron", schedule: .cron(CronRule(expression: "0 4 * * *")))
        let before = try await client.syncs.update(1, schedule: .set(schedule))
        let after = try await client.syncs.update(1, configuration: nil, schedule: nil, disabled: true)
        XCTAssertEqual(after.schedule, schedule)
        XCTAssertEqual(after.configuration, before.configuration)
        let sent = try await world.requests().last?["body"]
        XCTAssertEqual(sent, ["disabled": true])
    }

    func testARequiredPrimaryKeyMayBeNil() async throws {
        let world = try await Sandbox.running().world()
        let model = try await world.client().models.create(
            name: "Orders", slug: "orders-without-key", queryType: "raw_sql", sourceId: 1, isSchema: false,
            primaryKey: nil, raw: RawQuery(sql: "select 1"))
        XCTAssertNil(model.primaryKey)
        XCTAssertEqual(model.raw?.sql, "select 1")
        let sent = try await world.requests().last?["body"]?.object
        XCTAssertEqual(sent?["primaryKey"], .null)
    }

    func testATokenOpensARunOfItsKind() async throws {
        let world = try await Sandbox.running().world()
        let client = try world.client()
        let sequence = try await client.syncSequences.trigger("nightly")
        let graph = try await client.identityGraphs.trigger("customers")
        XCTAssertEqual([sequence.kind, graph.kind], [.sequence, .identityGraph])
        XCTAssertEqual([sequence.sequenceId, graph.graphId], ["nightly", "customers"])
        let again = try await client.run(sequence.token)
        XCTAssertEqual(again.sequence?.id, sequence.id)
        XCTAssertNil(again.sync)
        let other = try await client.run(graph.token)
        XCTAssertEqual("\(other)", "run \(graph.id) of identity graph customers")
        let end = try await XCTUnwrap(again.sequence).wait(timeout: .seconds(60))
        XCTAssertEqual(end.status, .done)
        XCTAssertEqual(end.syncRuns.compactMap(\.syncId), [1, 2])
    }

    func testTheErrorOfAFailedRunContainsItsFinalState() async throws {
        let world = try await Sandbox.running().world(["graphs": ["status": "FAILURE", "error": "No such column."]])
        let run = try await world.client().identityGraphs.trigger("customers")
        do {
            try await run.wait(timeout: .seconds(60))
            XCTFail("the run fails")
        } catch let error as HightouchError {
            XCTAssertEqual(error.kind, .runFailed)
            XCTAssertEqual(error.identityGraphRun?.error, "No such column.")
            XCTAssertNil(error.syncRun)
            XCTAssertNil(error.sequenceRun)
            XCTAssertEqual(
                try Coding.decoder().decode(HightouchError.self, from: Coding.encoder().encode(error)), error)
        }
    }
}

/// Records the events of hooks. The records have a lock, because any thread may call a hook.
private final class CallLog: @unchecked Sendable {
    private let lock = NSLock()
    private var all: [String] = []

    var lines: [String] { lock.withLock { all } }

    func add(_ line: String) { lock.withLock { all.append(line) } }

    func add(_ end: CallEnd) {
        let status = end.meta?.attempts.last?.status.map { " \($0)" } ?? ""
        add("end \(end.operation)\(status)\((end.error as? HightouchError).map { " \($0.kind)" } ?? "")")
    }
}
