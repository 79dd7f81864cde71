import Foundation
import HightouchSDK
import HightouchTesting
import XCTest

/// Tests `World`. `make test-swift` sets HIGHTOUCH_SANDBOX to the path of the sandbox's program.
final class WorldTests: XCTestCase {
    private let orders = World.Settings(slugs: ["orders"])

    private func thrown<Value>(_ body: () async throws -> Value) async -> (any Error)? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error
        }
    }

    /// Returns the complaints of the judge after a block; nil if the judge had none.
    private func complaints(
        _ settings: World.Settings? = nil, _ body: (World) async throws -> Void
    ) async throws -> [String]? {
        do {
            try await withWorld(settings ?? orders, body)
            return nil
        } catch let error as WorldError {
            return error.complaints
        }
    }

    func testARefusedTriggerIsNotSentAgain() async throws {
        try await withWorld(orders) { world in
            let ht = try world.client()
            try await world.failNext("syncs.trigger", 502, message: "a gateway broke")
            let error = await thrown { try await ht.syncs.trigger("orders") } as? HightouchError
            XCTAssertEqual(error?.status, 502)
            let requests = try await world.requests("syncs.trigger")
            XCTAssertEqual(requests.map(\.status), [502])
            XCTAssertEqual(requests.first?.method, "syncs.trigger")
            XCTAssertEqual(requests.first?.httpMethod, "POST")
            XCTAssertEqual(requests.first?.body?["fullResync"], false)
            XCTAssertNil(requests.first?.headers["authorization"])
            let run = try await ht.syncs.trigger("orders").wait()
            XCTAssertEqual(run.status, .success)
        }
    }

    func testFaultsHaveTheirEffectsAndCounts() async throws {
        try await withWorld(orders) { world in
            let ht = try world.client()
            try await world.failNext("syncs.get", 503, times: 2)
            try await world.answerNext("models.list", ["data": [], "hasMore": false], times: 1)
            try await world.delayNext("sources.list", by: .milliseconds(30))
            try await world.loseAnswer("syncs.list")
            let id = try await ht.syncs.get(1).id
            XCTAssertEqual(id, 1)
            let models = try await ht.models.list().all()
            XCTAssertEqual(models.count, 0)
            let sources = try await ht.sources.list().all()
            XCTAssertFalse(sources.isEmpty)
            let syncs = try await ht.syncs.list().all()
            XCTAssertEqual(syncs.count, 3)
            let gets = try await world.requests("syncs.get")
            XCTAssertEqual(gets.map(\.status), [503, 503, 200])
            let lists = try await world.requests("syncs.list")
            XCTAssertEqual(lists.map(\.status), [nil, 200])
            let all = try await world.requests()
            XCTAssertEqual(all.count, 7)
            XCTAssertEqual(all.map(\.date), all.map(\.date).sorted())
        }
    }

    func testAFaultForAllRequestsNeedNotBeMet() async throws {
        let found = try await complaints { world in
            try await world.failNext(nil, 503, times: nil)
            let ht = try world.client { $0.maxRetries = 1 }
            for _ in 1...2 { _ = await thrown { try await ht.syncs.get(1) } }
            let statuses = try await world.requests().map(\.status)
            XCTAssertEqual(statuses, [503, 503, 503, 503])
        }
        XCTAssertNil(found)
    }

    func testAFaultThatIsNotMetFailsTheBlock() async throws {
        let found = try await complaints { world in
            try await world.failNext("syncs.trigger", 502)
            try await world.loseAnswer("syncs.get", times: 2)
            try await world.failNextRun("orders")
            try await world.planRuns(2, status: "cancelled", times: 3)
            _ = try await world.client { $0.maxRetries = 3 }.syncs.list().firstPage()
        }
        XCTAssertEqual(
            found,
            [
                "failNext(\"syncs.trigger\", 502) was met 0 times instead of 1.",
                "loseAnswer(\"syncs.get\") was met 0 times instead of 2.",
                "planRuns(\"orders\", status: \"failed\") was met 0 times instead of 1.",
                "planRuns(2, status: \"cancelled\") was met 0 times instead of 3.",
            ])
    }

    func testTheJudgeFailsTheBlock() async throws {
        let world = try await World(orders)
        // The API does not have the path of this request, so the sandbox records a complaint.
        _ = await thrown { try await world.client().request("POST", "/syncs/1/launch", body: [:]) }
        let error = await thrown { try await world.check() }
        let complaints = (error as? WorldError)?.complaints ?? []
        XCTAssertTrue(complaints.contains { $0.contains("/syncs/1/launch") }, "\(complaints)")
        try await world.close()
    }

    func testABlockThatThrowsIsNotJudgedAndItsWorldIsRemoved() async throws {
        struct Own: Error {}
        var kept: World?
        let error = await thrown {
            try await withWorld(orders) { world in
                kept = world
                try await world.failNext("syncs.trigger")
                throw Own()
            }
        }
        XCTAssertTrue(error is Own, "\(String(describing: error))")
        let gone = await thrown { try await kept?.requests() }
        XCTAssertTrue(gone is SandboxError, "\(String(describing: gone))")
    }

    func testRunsEndAsPlanned() async throws {
        try await withWorld(orders) { world in
            let ht = try world.client()
            try await world.failNextRun("orders", "relation orders does not exist")
            try await world.warnNextRun(2, rejected: 7)
            try await world.planRuns(3, status: "cancelled", seconds: 1, times: 1)
            let failed = try await ht.syncs.trigger("orders").wait(onFailure: .return)
            XCTAssertEqual(failed.status, .failed)
            XCTAssertEqual(failed.error, "relation orders does not exist")
            let warned = try await ht.syncs.trigger(2).wait()
            XCTAssertEqual(warned.status, .warning)
            XCTAssertEqual(warned.failedRows.addedCount, 7)
            let cancelled = try await ht.syncs.trigger(3).wait(onFailure: .return)
            XCTAssertEqual(cancelled.status, .cancelled)
            let again = try await ht.syncs.trigger("orders").wait()
            XCTAssertEqual(again.status, .success)
        }
    }

    func testALowerLimitRefusesAndTheJudgeAcceptsIt() async throws {
        try await withWorld(orders) { world in
            let ht = try world.client()
            try await world.setLimit(5, per: .seconds(10), retryAfter: 3)
            // Sent at once, because a busy machine could spread single requests over several windows of the limit.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { _ = try await ht.syncs.get(1) } }
                try await group.waitForAll()
            }
            let refused = try await world.refused
            XCTAssertGreaterThan(refused, 0)
            let first = try await world.requests().first { $0.status == 429 }
            XCTAssertEqual(first?.path.hasSuffix("/syncs/1"), true)
        }
    }

    func testKeysAreRefusedAsTheirNamesSay() async throws {
        try await withWorld(orders) { world in
            for (key, kind) in [
                (world.keys.invalid, HightouchError.Kind.authentication), (world.keys.orphaned, .authentication),
                (world.keys.readOnly, .permission),
            ] {
                let ht = try Hightouch(apiKey: key, configuration: world.configuration)
                let error = await thrown { try await ht.syncs.trigger("orders") } as? HightouchError
                XCTAssertEqual(error?.kind, kind)
            }
            var dumped = ""
            dump(world, to: &dumped)
            for text in ["\(world.keys)", String(reflecting: world.keys), dumped] {
                XCTAssertFalse(text.contains(world.apiKey), text)
            }
        }
    }

    func testWorldsAreApartAndReachableOverTLS() async throws {
        try await withWorld(orders) { world in
            try await withWorld(.init(slugs: ["users"])) { other in
                let (url, authority) = (other.tlsBaseURL, other.sandbox.caBundle)
                let ht = try other.client {
                    $0.baseURL = url
                    $0.caBundle = authority
                }
                let slug = try await ht.syncs.get(1).slug
                XCTAssertEqual(slug, "users")
            }
            let seen = try await world.requests()
            XCTAssertEqual(seen.count, 0)
        }
    }

    func testARequestCanBeAwaited() async throws {
        try await withWorld(orders) { world in
            try await world.delayNext("syncs.trigger", by: .milliseconds(200))
            let ht = try world.client()
            async let run = ht.syncs.trigger("orders")
            let seen = try await world.waitForRequests("syncs.trigger")
            XCTAssertEqual(seen.count, 1)
            _ = try await run
            let late = await thrown { try await world.waitForRequests("syncs.get", timeout: .milliseconds(20)) }
            XCTAssertEqual(
                (late as? WorldError)?.complaints, ["0 of 1 requests (syncs.get) arrived in 0.02 seconds."])
        }
    }

    func testWrongArgumentsAreErrors() async throws {
        try await withWorld(orders) { world in
            let wrong: [(String, () async throws -> Void)] = [
                (
                    "A client has no method \"syncs.triger\". Did you mean \"syncs.trigger\"?",
                    { try await world.failNext("syncs.triger") }
                ), ("A client has no method \"nothing at all\".", { _ = try await world.requests("nothing at all") }),
                ("`rejected` must be from 0 to 150.", { try await world.warnNextRun(rejected: 151) }),
                ("`seconds` must not be negative.", { try await world.planRuns(seconds: -1) }),
                (
                    "`status` must be one of \"success\", \"warning\", \"failed\", \"cancelled\", \"interrupted\", "
                        + "not \"fail\".",
                    { try await world.planRuns(status: "fail") }
                ),
            ]
            for (message, body) in wrong {
                let error = await thrown(body)
                XCTAssertEqual(error.map { "\($0)" }, message)
            }
            for body in [
                { try await world.failNext("syncs.get", 99) }, { try await world.failNextRun("no-such-sync") },
            ] as [() async throws -> Void] {
                let error = await thrown(body)
                XCTAssertTrue(error is SandboxError, "\(String(describing: error))")
            }
        }
        let error = await thrown { try await World(.init(timeScale: 0)) }
        XCTAssertTrue(error is SandboxError, "\(String(describing: error))")
    }
}
