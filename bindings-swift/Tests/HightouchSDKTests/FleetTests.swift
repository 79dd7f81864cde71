import Foundation
import XCTest

@testable import HightouchSDK

/// Tests a rate limit that a Redis or Valkey server keeps for processes on any host.
final class FleetTests: XCTestCase {
    private let password = "hunter2-of-the-server"

    private func shown(_ value: Any) -> String {
        var dumped = ""
        dump(value, to: &dumped)
        return "\(value) \(String(reflecting: value)) \(dumped)"
    }

    /// Waits until the limit is shared. On a busy machine, the server may answer too late (after 800 ms). The limit is
    /// then not shared until a later answer.
    private func stateWhenShared(_ client: Hightouch) async throws -> LimitStats {
        for _ in 0..<6_000 {
            let state = try await client.stats()
            if state.scope == .fleet { return state }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw TestFailure(description: "the limit is not shared")
    }

    func testTheStateOfTheLimitTellsWhoSharesIt() async throws {
        for program in ["redis-server", "valkey-server"] {
            let server = try await Server.start(program, password: password)
            defer { server.end() }
            let client = try await Sandbox.running().world().client { $0.limitScope = .server(server.url) }
            _ = try await client.syncs.get(1)
            let stats = try await stateWhenShared(client)
            XCTAssertEqual(stats.members, 1)
            XCTAssertNil(stats.fallback)
            XCTAssertEqual(stats.waitingTotal, 0)
            try await client.close()
        }
    }

    func testHooksAreToldWhenTheLimitIsNotSharedAnyMoreAndWhenItIsAgain() async throws {
        let server = try await Server.start("redis-server", password: password)
        defer { server.end() }
        let seen = Changes()
        let client = try await Sandbox.running().world().client(
            { $0.limitScope = .server(server.url) },
            hooks: Hooks(onEnd: { call in seen.add(call.meta?.scopeChanges ?? []) }))
        // Repeats until a call reports no change, because a late answer of the server causes changes too.
        var early: Int
        repeat {
            early = seen.all.count
            _ = try await stateWhenShared(client)
            _ = try await client.syncs.get(1)
        } while seen.all.count > early
        server.signal(SIGSTOP)
        _ = try await client.syncs.get(1)
        let alone = try await client.stats()
        XCTAssertEqual(alone.scope, .process)
        XCTAssertNil(alone.members)
        let why = try XCTUnwrap(alone.fallback)
        XCTAssertTrue(why.hasPrefix("the server that keeps the limit cannot be used: it did not answer"), why)
        server.signal(SIGCONT)
        _ = try await stateWhenShared(client)
        _ = try await client.syncs.get(1)
        // That the limit is shared from the start is not told as a change.
        XCTAssertEqual(seen.all.first?.scope, .process)
        XCTAssertEqual(seen.all.dropFirst(early).map(\.scope), [.process, .fleet])
        XCTAssertEqual(seen.all.dropFirst(early).map(\.fallback), [why, nil])
        try await client.close()
    }

    func testNothingShowsThePasswordOfTheServer() async throws {
        let url = "redis://:\(password)@127.0.0.1:1"
        let configuration = Configuration(limitScope: .server(url))
        XCTAssertFalse(shown(configuration).contains(password))
        let client = try await Sandbox.running().world().client { $0.limitScope = .server(url) }
        let diagnosis = try await client.diagnose()
        let found = try XCTUnwrap(diagnosis.findings.first { $0.code == "limit_not_shared" })
        XCTAssertTrue(try XCTUnwrap(found.advice).contains("`limitScope`"))
        for value in [client, diagnosis, try await client.stats()] as [Any] {
            XCTAssertFalse(shown(value).contains(password))
        }
        try await client.close()
        for wrong in ["redis://:\(password)@host:port", password] {
            XCTAssertThrowsError(try Hightouch(apiKey: "k", configuration: Configuration(limitScope: .server(wrong)))) {
                XCTAssertEqual(($0 as? HightouchError)?.kind, .config)
                XCTAssertTrue("\($0)".contains("`limitScope`"))
                XCTAssertFalse(shown($0).contains(password))
            }
        }
    }
}

/// Records changes of the limit's scope. The records have a lock, because any thread may call a hook.
private final class Changes: @unchecked Sendable {
    private let lock = NSLock()
    private var told: [CallMeta.ScopeChange] = []

    var all: [CallMeta.ScopeChange] { lock.withLock { told } }

    func add(_ changes: [CallMeta.ScopeChange]) { lock.withLock { told += changes } }
}

/// A Redis or Valkey server for one test. `make servers` installs the program.
private struct Server {
    private let process = Process()
    private let folder: URL
    let url: String

    static func start(_ program: String, password: String) async throws -> Server {
        for _ in 0..<3 {
            // The listener is released at once, so its port is free again. If another program takes it first, the server
            // ends, and the next attempt uses another port.
            let server = try Server(program, password: password, port: Listener().port)
            for _ in 0..<6_000 where server.process.isRunning {
                if server.isReady() { return server }
                try await Task.sleep(for: .milliseconds(10))
            }
            server.end()
        }
        throw TestFailure(description: "\(program) does not start")
    }

    private init(_ program: String, password: String, port: UInt16) throws {
        let manager = FileManager.default
        folder = manager.temporaryDirectory.appendingPathComponent("hightouch-server-\(UUID().uuidString)")
        try manager.createDirectory(at: folder, withIntermediateDirectories: true)
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        url = "redis://:\(password)@127.0.0.1:\(port)"
        process.executableURL = root.appendingPathComponent("build/servers/\(program)")
        process.arguments = [
            "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder.path, "--save", "", "--appendonly", "no",
            "--requirepass", password, "--logfile", folder.appendingPathComponent("log").path,
        ]
        try process.run()
    }

    /// Whether the server has written that it accepts connections.
    private func isReady() -> Bool {
        let log = try? String(contentsOf: folder.appendingPathComponent("log"), encoding: .utf8)
        return log?.contains("Ready to accept connections") == true
    }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    func end() {
        signal(SIGKILL)
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }
}
