import Foundation
import XCTest

@testable import HightouchSDK

/// Tests that the values that a user builds stay the same: the server stores a value and sends an equal value back.
final class RoundTripTests: XCTestCase {
    private let rounds = 60

    private func client() async throws -> Hightouch {
        let world = try await Sandbox.running().world(["limit": ["requests": 10_000, "seconds": 10]])
        return try world.client { $0.limit = RateLimit(requests: 10_000, per: .seconds(10)) }
    }

    func testAnyConfigurationAndScheduleSurviveARoundTrip() async throws {
        let client = try await client()
        for seed in 0..<rounds {
            var any = Arbitrary(seed: UInt64(seed))
            let (configuration, schedule) = (any.object(), any.maybe { $0.schedule() })
            let made = try await client.syncs.create(
                slug: "sync-of-seed-\(seed)", configuration: configuration, destinationId: 1, modelId: 1,
                schedule: .setOrClear(schedule), disabled: any.maybe { Bool.random(using: &$0) })
            XCTAssertEqual(made.configuration, configuration, "seed \(seed)")
            XCTAssertEqual(made.schedule, schedule, "seed \(seed)")
            let read = try await client.syncs.update(.id(made.id), schedule: .setOrClear(made.schedule))
            XCTAssertEqual(read.schedule, schedule, "seed \(seed)")
            XCTAssertEqual(read.configuration, configuration, "seed \(seed)")
        }
    }

    func testAScheduleOfAnUnknownKindSurvivesARoundTrip() async throws {
        let world = try await Sandbox.running().world()
        let client = try world.client()
        for seed in 0..<rounds / 4 {
            var any = Arbitrary(seed: UInt64(seed))
            let schedule = any.oddSchedule()
            // The sandbox rejects the schedule, because the API does not document it. The test needs only the request
            // in the log. It then creates a world that responds with the schedule of that request.
            _ = try? await client.syncs.update(1, schedule: .set(schedule))
            let last = try await world.requests().last
            let sent = try XCTUnwrap(last?["body"]?["schedule"])
            XCTAssertNil(sent["schedule"]?["kind"])
            let answer = JSONValue.object(["id": 1, "slug": "orders", "schedule": sent])
            let answering = try await Sandbox.running().world([
                "script": [["answer": ["status": 200, "text": .string("\(answer)")]]]
            ])
            let read = try await answering.client().syncs.get(1)
            XCTAssertEqual(read.schedule, schedule, "seed \(seed)")
            try await answering.delete()
        }
    }

    func testAnyMessageSurvivesARoundTrip() async throws {
        let client = try await client()
        let flow = "00000000-0000-4000-8000-000000000001"
        for seed in 0..<rounds {
            var any = Arbitrary(seed: UInt64(seed))
            let (config, tags, guardrails) = (any.object(), any.object(), any.maybe { $0.guardrails() })
            let variables = any.list { $0.variable() }
            let made = try await client.decisionEngine.createMessage(
                flow, name: "n\(any.text())", channelId: "email", config: config, tags: tags, guardrails: guardrails,
                variables: variables)
            XCTAssertEqual(made.config, config, "seed \(seed)")
            XCTAssertEqual(made.tags, tags, "seed \(seed)")
            XCTAssertEqual(made.guardrails, guardrails, "seed \(seed)")
            XCTAssertEqual(made.variables, variables, "seed \(seed)")
        }
    }

    func testAnyEventsAndComponentsOfADomainSurviveARoundTrip() async throws {
        let client = try await client()
        for seed in 0..<rounds {
            var any = Arbitrary(seed: UInt64(seed))
            let (events, components) = (any.list { $0.event() }, any.list { $0.component() })
            let made = try await client.eventDomains.create(
                name: "Domain \(seed)", events: events, components: components)
            // The server sets members that were left out, so only the given members are compared.
            XCTAssertEqual(complaints(try JSONValue(of: events), try JSONValue(of: made.events)), [], "seed \(seed)")
            XCTAssertEqual(made.events.map(\.schema), events.map(\.schema), "seed \(seed)")
            XCTAssertEqual(made.components.map(\.schema), components.map(\.schema), "seed \(seed)")
            XCTAssertEqual(made.components.map(\.name), components.map(\.name), "seed \(seed)")
            let contract = try await client.eventContracts.create(name: "Contract \(seed)", events: made.events)
            XCTAssertEqual(contract.events, made.events, "seed \(seed)")
        }
    }

    func testAnyJSONSurvivesEncodingAndDecoding() throws {
        for seed in 0..<500 {
            var any = Arbitrary(seed: UInt64(seed))
            let value = any.json(depth: 6)
            XCTAssertEqual(try JSONValue(of: value), value, "seed \(seed)")
        }
    }
}
