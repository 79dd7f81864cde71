import Foundation
import XCTest

@testable import HightouchSDK

/// Tests clients that get their API key from a function.
final class CredentialsTests: XCTestCase {
    func testTheFunctionIsCalledOnceBeforeTheFirstRequest() async throws {
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

    func testManyCallsWithARejectedKeyCallTheFunctionOnceAndAreRepeatedWithTheNewKey() async throws {
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

    func testACallIsNotRepeatedIfTheFunctionReturnsTheSameKeyAgain() async throws {
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

    func testAFunctionThatThrowsCausesAnAuthenticationErrorThatContainsItsError() async throws {
        let world = try await Sandbox.running().world()
        let client = try world.client(credentials: { throw Sealed() })
        for _ in 1...2 {
            let error = try await refusal { try await client.syncs.get(1) }
            XCTAssert(error.underlying is Sealed, "\(error)")
            XCTAssertEqual(error.causes, ["Sealed: the vault is sealed"])
        }
        let requests = try await world.requests()
        XCTAssertEqual(requests.count, 0)
    }

    func testAnInvalidKeyFromTheFunctionIsAnErrorThatDoesNotContainTheKey() async throws {
        let world = try await Sandbox.running().world()
        let client = try world.client(credentials: { "canary and more" })
        let error = try await refusal { try await client.syncs.get(1) }
        XCTAssertEqual((error.underlying as? HightouchError)?.kind, .config)
        XCTAssertFalse("\(error) \(error.causes) \(error.underlying as Any)".contains("canary"))
    }

    /// Without the error, the call in the function would wait forever for the key that the function must return.
    func testAFunctionThatUsesItsOwnClientGetsAnError() async throws {
        let world = try await Sandbox.running().world()
        let (key, handover) = (try world.text("apiKey"), Handover())
        let client = try world.client(credentials: {
            let client = try await handover.client()
            let error = try await refusal { try await Task { try await client.syncs.get(1) }.value }
            XCTAssertNil(error.underlying)
            XCTAssertFalse(error.message.isEmpty)
            return key
        })
        await handover.give(client)
        let sync = try await client.syncs.get(2)
        XCTAssertEqual(sync.id, 2)
        let paths = try await world.requests().compactMap { $0["path"]?.string }
        XCTAssertEqual(paths, ["/syncs/2"])
    }

    func testAFunctionMayUseAnotherClientAndCreateAClientWithAnotherFunction() async throws {
        let world = try await Sandbox.running().world()
        let (key, handover) = (try world.text("apiKey"), Handover())
        let client = try world.client(credentials: {
            _ = try await world.client().syncs.get(3)
            await handover.give(try world.client(credentials: { key }))
            return key
        })
        _ = try await client.syncs.get(1)
        let sync = try await handover.client().syncs.get(2)
        XCTAssertEqual(sync.id, 2)
    }

    func testTheDeadlineOfACallIncludesTheFunction() async throws {
        let world = try await Sandbox.running().world()
        let vault = Vault([try world.text("apiKey")], isOpen: false)
        let client = try world.client(credentials: { try await vault.key() })
        do {
            _ = try await client.syncs.get(1, options: CallOptions(deadline: .milliseconds(50)))
            XCTFail("there is no key yet")
        } catch let error as HightouchError {
            XCTAssertEqual(error.kind, .timeout)
        }
        await vault.open()
        _ = try await client.syncs.get(1)
    }

    func testClosingCancelsTheFunctionAndEndsTheCallsThatWaitForIt() async throws {
        let world = try await Sandbox.running().world()
        let vault = Vault([try world.text("apiKey")], isOpen: false)
        let client = try world.client(credentials: { try await vault.key() })
        let call = Task { try await client.syncs.get(1) }
        await vault.untilAsked()
        try await client.close()
        do {
            _ = try await call.value
            XCTFail("the client is closed")
        } catch let error as HightouchError {
            XCTAssertEqual(error.kind, .closed)
        }
        await vault.untilCancelled()
    }

    /// The test hangs if the task that calls the function keeps the function or the client alive.
    func testAClientThatIsReleasedReleasesItsFunction() async throws {
        let world = try await Sandbox.running().world()
        for isUsed in [false, true] {
            let (released, signal) = AsyncStream<Void>.makeStream()
            try await useOnce(world, isUsed: isUsed, Lifetime(signal))
            for await _ in released {}
        }
    }

    private func useOnce(_ world: World, isUsed: Bool, _ lifetime: Lifetime) async throws {
        let key = try world.text("apiKey")
        let client = try world.client(credentials: { withExtendedLifetime(lifetime) { key } })
        if isUsed {
            _ = try await client.syncs.get(1)
        }
    }

    func testSettingAKeyReleasesTheCallsThatWaitForTheFunction() async throws {
        let world = try await Sandbox.running().world()
        let vault = Vault(["unused"], isOpen: false)
        let client = try world.client(credentials: { try await vault.key() })
        async let sync = client.syncs.get(1)
        await vault.untilAsked()
        try await client.setAPIKey(try world.text("apiKey"))
        let id = try await sync.id
        XCTAssertEqual(id, 1)
        try await client.close()
    }

    func testCancellingOneCallDoesNotCancelTheFunctionForOthers() async throws {
        let world = try await Sandbox.running().world()
        let vault = Vault([try world.text("apiKey")], isOpen: false)
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

    func testAKeyThatIsSetIsUsedInsteadOfTheFunction() async throws {
        let world = try await Sandbox.running().world()
        let vault = Vault([try XCTUnwrap(world.answer["keys"]?["invalid"]?.string)])
        let client = try world.client(credentials: { try await vault.key() })
        try await client.setAPIKey(try world.text("apiKey"))
        _ = try await client.syncs.get(1)
        let asked = await vault.asked
        XCTAssertEqual(asked, 0)
    }

    func testNoDescriptionContainsTheKeyOfTheFunction() async throws {
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

/// Returns the error of a call that gets no key from the function.
private func refusal(_ call: () async throws -> Sync) async throws -> HightouchError {
    do {
        throw TestFailure(description: "without a key, the call returned \(try await call())")
    } catch let error as HightouchError {
        XCTAssertEqual(error.kind, .authentication)
        XCTAssertEqual(error.code, "key_function")
        return error
    }
}

private struct Sealed: Error, CustomStringConvertible {
    let description = "the vault is sealed"
}

/// An object that ends a stream when the object is released.
private final class Lifetime: Sendable {
    private let signal: AsyncStream<Void>.Continuation

    init(_ signal: AsyncStream<Void>.Continuation) { self.signal = signal }

    deinit { signal.finish() }
}

/// An event that happens once. Tasks can wait for the event.
private actor Event {
    private var hasHappened = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func happens() {
        hasHappened = true
        waiters.forEach { $0.resume() }
        waiters = []
    }

    func waits() async {
        if !hasHappened {
            await withCheckedContinuation { waiters.append($0) }
        }
    }
}

/// Passes a client to its own credentials function.
private actor Handover {
    private let given = Event()
    private var content: Hightouch?

    func give(_ client: Hightouch) async {
        content = client
        await given.happens()
    }

    func client() async throws -> Hightouch {
        await given.waits()
        return try XCTUnwrap(content)
    }
}

/// Provides a credentials function, `key`. It returns the keys in order, then the last key repeatedly. If the vault is
/// created closed, `key` waits until the vault is opened.
private actor Vault {
    private let keys: [String]
    private(set) var asked = 0
    private let isOpen: Bool
    private let (wasAsked, opened, wasCancelled) = (Event(), Event(), Event())

    init(_ keys: [String], isOpen: Bool = true) { (self.keys, self.isOpen) = (keys, isOpen) }

    func open() async { await opened.happens() }
    func untilAsked() async { await wasAsked.waits() }
    func untilCancelled() async { await wasCancelled.waits() }

    func key() async throws -> String {
        asked += 1
        let key = keys[min(asked, keys.count) - 1]
        await wasAsked.happens()
        if isOpen { return key }
        await withTaskCancellationHandler {
            await opened.waits()
        } onCancel: {
            Task { await self.cancelled() }
        }
        try Task.checkCancellation()
        return key
    }

    private func cancelled() async {
        await wasCancelled.happens()
        await opened.happens()
    }
}
