import Foundation
import XCTest

@testable import HightouchSDK

/// Plays a scenario through the public methods; tests/scenarios/README.md describes the format.
func play(_ id: String) async throws {
    let scenario = try scenario(id)
    let world = try await Sandbox.running().world(scenario["world"] ?? [:])
    var player = Player(scenario: scenario, world: world)
    try await player.play()
    let wrong = try await world.judge("swift", id, scenario["wire"] ?? [:])
    XCTAssertEqual(wrong, [], "the judge complains")
    try await world.delete()
}

func scenario(_ id: String) throws -> JSONValue {
    try Coding.decoder().decode(
        JSONValue.self, from: try Data(contentsOf: scenarios().appendingPathComponent("\(id).json")))
}

/// The folder of the scenarios.
func scenarios() -> URL {
    let given = ProcessInfo.processInfo.environment["HIGHTOUCH_SCENARIOS"].map(URL.init(fileURLWithPath:))
    let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    return given ?? here.appendingPathComponent("../../../build/scenarios").standardizedFileURL
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String
}

/// The result of a call: a value, a handle or an error.
struct Ended: Sendable {
    var value: JSONValue = .null
    var handle: AnyRun?
    var error: (any Error)?
}

struct Player {
    let scenario: JSONValue
    /// Whether to make the calls through `withRawResponse`.
    let isRaw: Bool
    /// The values of placeholders, by name.
    private var names: [String: JSONValue]
    private let world: World
    private let folder: URL
    /// Clients by name; the default client has an empty name.
    private var clients: [String: Hightouch] = [:]
    private var keys: [KeyFunction] = []
    private var handles: [String: AnyRun] = [:]

    init(scenario: JSONValue, world: World, isRaw: Bool = false) {
        self.scenario = scenario
        self.isRaw = isRaw
        self.world = world
        names = (world.answer.object ?? [:]).merging(world.sandbox.line.object ?? [:]) { member, _ in member }
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("hightouch-swift-\(UUID().uuidString)")
        names["folder"] = .string(folder.path)
    }

    mutating func play() async throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        if let expected = scenario["construct"] {
            var ended = Ended()
            do {
                _ = try await client("")
            } catch {
                Trace.note(error: error)
                ended.error = error
            }
            return try check(try filled(expected), ended, "creating the client")
        }
        _ = try await client("")
        for (index, step) in (scenario["steps"]?.array ?? []).enumerated() {
            try await play(step, "step \(index + 1)")
        }
        for client in clients.values {
            Trace.note("client", client)
            try await client.close()
        }
        var asked = 0
        for function in keys { asked += await function.end() }
        if let expected = scenario["asked"]?.int, expected != asked {
            throw TestFailure(description: "the key function was called \(asked) times, not \(expected) times")
        }
    }

    /// Returns the client with this name, and creates it on first use.
    private mutating func client(_ name: String) async throws -> Hightouch {
        if let known = clients[name] { return known }
        var settings: [String: JSONValue] = [
            "apiKey": "{{apiKey}}", "baseUrl": "{{baseUrl}}", "caBundle": "{{ca}}", "environment": [:],
            "timeScale": names["timeScale"] ?? 1,
        ]
        settings.merge((name.isEmpty ? scenario["client"] : scenario["clients"]?[name])?.object ?? [:]) { $1 }
        settings = try filled(.object(settings)).object?.filter { !$0.value.isNull } ?? [:]
        let entries = settings.removeValue(forKey: "keys")?.array
        let made: Hightouch
        if let entries {
            settings["apiKey"] = nil
            let function = KeyFunction(entries)
            made = try HightouchSDKTests.client(settings, credentials: { try await function.key() })
            await function.use(made)
            keys.append(function)
        } else {
            made = try HightouchSDKTests.client(settings)
        }
        clients[name] = made
        return made
    }

    private mutating func play(_ step: JSONValue, _ place: String) async throws {
        let parts = step["together"]?.array ?? [step]
        var calls: [Call] = []
        for part in parts {
            if let block = part["blockMs"]?.int { usleep(UInt32(block) * 1000) }
            let handle = part["on"]?.string.flatMap { handles[$0] }
            calls.append(
                try Call(
                    client: try await client(part["client"]?.string ?? ""), step: part,
                    args: try filled(part["args"] ?? [:]), opts: try filled(part["opts"] ?? [:]), on: handle,
                    world: world, isRaw: isRaw))
        }
        for (part, ended) in zip(parts, try await Self.made(calls, place)) {
            for each in ended {
                try check(try filled(part["expect"] ?? [:]), each, "\(place) (\(part["call"]?.string ?? ""))")
                guard let name = part["save"]?.string else { continue }
                names[name] = try each.error.map { try JSONValue(of: XCTUnwrap($0 as? HightouchError)) } ?? each.value
                handles[name] = each.handle
            }
        }
    }

    /// Makes all calls concurrently, each the number of times that its step says. Throws if the calls take longer than
    /// five minutes.
    private static func made(_ calls: [Call], _ place: String) async throws -> [[Ended]] {
        try await withThrowingTaskGroup(of: (Int, Ended)?.self) { group in
            for (index, call) in calls.enumerated() {
                for _ in 0..<call.times {
                    group.addTask { (index, await call.attempt()) }
                }
            }
            group.addTask {
                try await Task.sleep(for: .seconds(300))
                return nil
            }
            var all = calls.map { _ in [Ended]() }
            while all.map(\.count) != calls.map(\.times), let next = try await group.next() {
                guard let (index, ended) = next else { throw TestFailure(description: "\(place) hangs") }
                all[index].append(ended)
            }
            group.cancelAll()
            return all
        }
    }

    /// Replaces the placeholders in a value. A string that consists of one placeholder is replaced by the placeholder's
    /// value, of any type.
    private func filled(_ value: JSONValue) throws -> JSONValue {
        switch value.shape {
        case .object(let members): return .object(try members.mapValues(filled))
        case .array(let elements): return .array(try elements.map(filled))
        case .string(var text):
            while let open = text.range(of: "{{"),
                let close = text.range(of: "}}", range: open.upperBound..<text.endIndex)
            {
                let name = text[open.upperBound..<close.lowerBound]
                var found: JSONValue? = .object(names)
                for member in name.split(separator: ".") { found = found?[String(member)] }
                guard let found else { throw TestFailure(description: "there is no {{\(name)}}") }
                let whole = open.lowerBound..<close.upperBound
                if whole == text.startIndex..<text.endIndex { return found }
                text.replaceSubrange(whole, with: found.string ?? found.int.map(String.init) ?? "\(found)")
            }
            return .string(text)
        default: return value
        }
    }

    private func check(_ expected: JSONValue, _ ended: Ended, _ place: String) throws {
        if let members = expected["error"]?.object {
            guard let error = ended.error else {
                throw TestFailure(description: "\(place) returned \(ended.value), not \(members)")
            }
            return try check(members, error, place)
        }
        if let error = ended.error { throw TestFailure(description: "\(place) failed: \(error)") }
        if let value = expected["value"] {
            let wrong = complaints(value, ended.value)
            guard wrong.isEmpty else { throw TestFailure(description: "\(place): \(wrong)") }
        }
        if let count = expected["count"]?.int, ended.value.array?.count != count {
            throw TestFailure(description: "\(place): \(ended.value.array?.count ?? -1) elements, expected \(count)")
        }
    }

    private func check(_ expected: [String: JSONValue], _ error: any Error, _ place: String) throws {
        let failure: JSONValue
        switch error {
        case let error as HightouchError: failure = try JSONValue(of: error)
        case is CancellationError: failure = ["kind": "cancelled"]
        default: throw error
        }
        var members = expected.filter { !["contains", "notContaining"].contains($0.key) }
        if let op = members["operation"]?.string { members["operation"] = .string(spelled(op)) }
        var wrong = complaints(.object(members), failure, dots: true)
        let said = "\(failure["message"]?.string ?? "") \(failure["hint"]?.string ?? "")"
        wrong += texts(expected["contains"]).filter { !said.contains($0) }.map { "no \($0) in \(said)" }
        var dumped = ""
        dump(error, to: &dumped)
        let shown = [
            String(decoding: try Coding.encoder().encode(failure), as: UTF8.self), "\(error)",
            String(reflecting: error),
            error.localizedDescription, dumped,
        ]
        for text in texts(expected["notContaining"]) {
            wrong += shown.filter { $0.contains(text) }.map { "\(text) in \($0)" }
        }
        guard wrong.isEmpty else { throw TestFailure(description: "\(place): \(wrong) in \(failure)") }
    }
}

private func texts(_ value: JSONValue?) -> [String] {
    value?.string.map { [$0] } ?? value?.array?.compactMap(\.string) ?? []
}

/// A credentials function that behaves as a scenario says.
private actor KeyFunction {
    private var entries: [JSONValue]
    private var asked = 0
    private var client: Hightouch?

    init(_ entries: [JSONValue]) { self.entries = entries }

    /// Sets the client that calls the function.
    func use(_ client: Hightouch) { self.client = client }

    /// Releases the client.
    ///
    /// - Returns: How many times the client called its credentials function.
    func end() -> Int {
        client = nil
        return asked
    }

    func key() async throws -> String {
        asked += 1
        let entry = entries.count > 1 ? entries.removeFirst() : entries[0]
        if let delay = entry["delayMs"]?.int { try await Task.sleep(for: .milliseconds(delay)) }
        if let reason = entry["fails"]?.string { throw TestFailure(description: reason) }
        if entry["usesClient"] == .bool(true) { _ = try await client?.syncs.get(1) }
        return try XCTUnwrap(entry.string ?? entry["key"]?.string)
    }
}

/// Spells the core's name of a method as Swift does: `sync_sequences.trigger` becomes `syncSequences.trigger`.
private func spelled(_ op: String) -> String {
    let words = op.split(separator: "_")
    return words.dropFirst().reduce(words.first.map(String.init) ?? "") { name, word in
        name + word.prefix(1).uppercased() + word.dropFirst()
    }
}
