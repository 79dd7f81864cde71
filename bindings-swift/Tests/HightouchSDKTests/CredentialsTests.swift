import Foundation
import XCTest

@testable import HightouchSDK

/// A key that a function gives.
final class CredentialsTests: XCTestCase {
    func testTheFunctionIsAskedBeforeTheFirstRequestAndThenNoMore() async throws {
        let world = try await Sandbox.running().world()
        let vault = Vault([try world.text("apiKey")])
        let client = try world.client(credentials: { try await vault.key() })
        let before = await vault.asked
        XCTAssertEqual(before, 0)
        _ = try await client.syncs.get(1)
        _ = try await client.syncs.get(2)
        let asked = await vault.asked
        XCTAssertEqual(asked, 1)
        let requests = try await world.requests()
        XCTAssertEqual(requests.count, 2)
    }

    func testManyCallsThatMeetARefusedKeyAskOnceAndAreRepeatedWithTheNewOne() async throws {
        let world = try await Sandbox.running().world()
        let vault = Vault([try XCTUnwrap(world.answer["keys"]?["invalid"]?.string), try world.text("apiKey")])
        let client = try world.client(credentials: { try await vault.key() })
        let ids = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<40 {
                group.addTask { try await client.syncs.get(1).id }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        XCTAssertEqual(ids, Array(repeating: 1, count: 40))
        let asked = await vault.asked
        XCTAssertEqual(asked, 2)
    }

    func testACallThatBeganWithAnOlderKeyIsRepeatedWithoutAsking() async throws {
        let credentials = Credentials { "new" }
        let (first, again) = (
            try await credentials.first { _ in }, try await credentials.renewed(since: 0) { _ in XCTFail("it was set") }
        )
        XCTAssertEqual(first, 1)
        XCTAssertTrue(again)
    }

    func testAKeyThatIsTheSameAgainIsNotTriedAgain() async throws {
        let world = try await Sandbox.running().world()
        let vault = Vault([try XCTUnwrap(world.answer["keys"]?["invalid"]?.string)])
        let client = try world.client(credentials: { try await vault.key() })
        do {
            _ = try await client.syncs.get(1)
            XCTFail("the key is refused")
        } catch let error as HightouchError {
            XCTAssertEqual(error.kind, .authentication)
            XCTAssertEqual(error.status, 401)
        }
        let asked = await vault.asked
        XCTAssertEqual(asked, 2)
        let requests = try await world.requests()
        XCTAssertEqual(requests.count, 1)
    }

    func testAFunctionThatFailsIsAnAuthenticationErrorThatCarriesItsOwn() async throws {
        let world = try await Sandbox.running().world()
        let client = try world.client(credentials: { throw Sealed() })
        do {
            _ = try await client.syncs.get(1)
            XCTFail("there is no key")
        } catch let error as HightouchError {
            XCTAssertEqual(error.kind, .authentication)
            XCTAssert(error.underlying is Sealed)
            XCTAssertEqual(error.causes, ["the vault is sealed"])
        }
        let requests = try await world.requests()
        XCTAssertEqual(requests.count, 0)
    }

    func testACallerThatIsCancelledDoesNotCancelTheOthersQuestion() async throws {
        let world = try await Sandbox.running().world()
        let vault = Vault([try world.text("apiKey")], opened: false)
        let client = try world.client(credentials: { try await vault.key() })
        let impatient = Task { try await client.syncs.get(1) }
        await vault.untilAsked()
        let patient = Task { try await client.syncs.get(2) }
        impatient.cancel()
        do {
            _ = try await impatient.value
            XCTFail("it was cancelled")
        } catch {
            XCTAssert(error is CancellationError, "\(error)")
        }
        await vault.open()
        let sync = try await patient.value
        XCTAssertEqual(sync.id, 2)
        let asked = await vault.asked
        XCTAssertEqual(asked, 1)
    }

    func testAKeyThatIsSetByHandTakesThePlaceOfTheFunctions() async throws {
        let world = try await Sandbox.running().world()
        let vault = Vault([try XCTUnwrap(world.answer["keys"]?["invalid"]?.string)])
        let client = try world.client(credentials: { try await vault.key() })
        try await client.setAPIKey(try world.text("apiKey"))
        _ = try await client.syncs.get(1)
        let asked = await vault.asked
        XCTAssertEqual(asked, 0)
    }

    func testTheFunctionsKeyIsInNoDescription() async throws {
        let world = try await Sandbox.running().world()
        let key = try world.text("apiKey")
        let client = try world.client(credentials: { key })
        _ = try await client.syncs.get(1)
        var dumped = ""
        dump(client, to: &dumped)
        for text in [dumped, "\(client)", String(reflecting: client), String(reflecting: client.door)] {
            XCTAssertFalse(text.contains(key), text)
        }
    }
}

private struct Sealed: Error, CustomStringConvertible {
    let description = "the vault is sealed"
}

/// Gives one key after another, the last one again and again.
private actor Vault {
    private let keys: [String]
    private(set) var asked = 0
    private var isOpen: Bool

    init(_ keys: [String], opened: Bool = true) { (self.keys, isOpen) = (keys, opened) }

    func open() { isOpen = true }

    func untilAsked() async {
        while asked == 0 { await Task.yield() }
    }

    func key() async throws -> String {
        asked += 1
        let key = keys[min(asked, keys.count) - 1]
        while !isOpen { try await Task.sleep(for: .milliseconds(5)) }
        return key
    }
}
