import Foundation
import XCTest

@testable import HightouchSDK

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The sandbox server that the tests use. `make test-swift` starts it.
struct Sandbox {
    /// The JSON in the first line of the sandbox's output, with `url`, `httpUrl`, `ca` and `closed`.
    let line: JSONValue

    static func running() throws -> Sandbox {
        let text = try XCTUnwrap(
            ProcessInfo.processInfo.environment["HIGHTOUCH_SANDBOX"], "no sandbox: run the tests by `make test-swift`")
        return Sandbox(line: try Coding.decoder().decode(JSONValue.self, from: Data(text.utf8)))
    }

    /// Creates a workspace for one test.
    func world(_ settings: JSONValue = [:]) async throws -> World {
        World(sandbox: self, answer: try await control("POST", "/_worlds", settings))
    }

    func control(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        let base = try XCTUnwrap(line["httpUrl"]?.string)
        var request = URLRequest(url: try XCTUnwrap(URL(string: base + path)))
        request.httpMethod = method
        if let body {
            request.httpBody = try Coding.encoder().encode(body)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        let (data, response) = try await URLSession.shared.data(for: request)
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        XCTAssert((200..<300).contains(status), "\(method) \(path): \(status) \(String(decoding: data, as: UTF8.self))")
        return data.isEmpty ? .null : try Coding.decoder().decode(JSONValue.self, from: data)
    }
}

/// A workspace in the sandbox, for one test.
struct World {
    let sandbox: Sandbox
    /// The sandbox's response to the creation of the world, with `id`, `baseUrl`, `httpBaseUrl`, `apiKey`, `keys` and
    /// `timeScale`.
    let answer: JSONValue

    func text(_ member: String) throws -> String { try XCTUnwrap(answer[member]?.string) }

    /// Creates a client of this world. The client divides its waits by the world's time scale.
    func client(
        _ change: (inout Configuration) -> Void = { _ in },
        credentials: (@Sendable () async throws -> String)? = nil, hooks: Hooks = Hooks()
    ) throws -> Hightouch {
        var configuration = Configuration(baseURL: try text("baseUrl"), caBundle: sandbox.line["ca"]?.string)
        change(&configuration)
        return try hightouch(
            credentials == nil ? try text("apiKey") : nil, configuration,
            ["timeScale": answer["timeScale"] ?? 1, "environment": [:]],
            credentials: credentials.map { CredentialsProvider($0) }, hooks: hooks)
    }

    func requests() async throws -> [JSONValue] {
        let log = try await sandbox.control("GET", "/_worlds/\(try text("id"))/log")
        return try XCTUnwrap(log["requests"]?.array)
    }

    /// Waits until the log of requests satisfies a condition. Fails after five minutes, a time that suffices even on a
    /// busy machine.
    func until(_ what: String, _ holds: ([JSONValue]) -> Bool) async throws {
        for _ in 0..<6_000 {
            if holds(try await requests()) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        XCTFail("timed out before \(what): \(try await requests())")
    }

    func judge(_ player: String, _ scenario: String, _ wire: JSONValue) async throws -> [String] {
        let question: JSONValue = ["player": .string(player), "scenario": .string(scenario), "wire": wire]
        let verdict = try await sandbox.control("POST", "/_worlds/\(try text("id"))/judge", question)
        return try XCTUnwrap(verdict["complaints"]?.array).map { $0.string ?? "\($0)" }
    }

    func delete() async throws {
        _ = try await sandbox.control("DELETE", "/_worlds/\(try text("id"))")
    }
}

extension JSONValue {
    /// Converts a value to the JSON that the core uses for the value.
    init(of value: some Encodable) throws {
        self = try Coding.decoder().decode(JSONValue.self, from: try Coding.encoder().encode(value))
    }
}
