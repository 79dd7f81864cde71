import Foundation
import XCTest

@testable import HightouchSDK

/// Plays a scenario through the public methods; tests/scenarios/README.md describes the format.
func play(_ id: String) async throws {
    let scenario = try scenario(id)
    let world = try await Sandbox.running().world(scenario["world"] ?? [:])
    var player = try Player(scenario: scenario, world: world)
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
    return given ?? here.appendingPathComponent("../../../tests/scenarios").standardizedFileURL
}

struct Wrong: Error, CustomStringConvertible {
    let description: String
}

/// What a step gave.
struct Ended: Sendable {
    var value: JSONValue = .null
    var handle: AnyRun?
    var error: (any Error)?
}

struct Player {
    let scenario: JSONValue
    /// Whether answers of operations are taken as they came and then parsed.
    let isRaw: Bool
    /// What placeholders may name.
    private var names: [String: JSONValue]
    private var handles: [String: AnyRun] = [:]

    init(scenario: JSONValue, world: World, isRaw: Bool = false) throws {
        self.scenario = scenario
        self.isRaw = isRaw
        names = (world.answer.object ?? [:]).merging(world.sandbox.line.object ?? [:]) { member, _ in member }
    }

    mutating func play() async throws {
        var settings: [String: JSONValue] = [
            "apiKey": "{{apiKey}}", "baseUrl": "{{baseUrl}}", "caBundle": "{{ca}}", "environment": [:],
            "timeScale": names["timeScale"] ?? 1,
        ]
        settings.merge(scenario["client"]?.object ?? [:]) { $1 }
        settings = try filled(.object(settings)).object?.filter { !$0.value.isNull } ?? [:]
        if let expected = scenario["construct"] {
            let ended: Ended
            do {
                _ = try client(settings)
                ended = Ended()
            } catch {
                Trace.note(error: error)
                ended = Ended(error: error)
            }
            return try check(try filled(expected), ended, "making the client")
        }
        let client = try client(settings)
        for (index, step) in (scenario["steps"]?.array ?? []).enumerated() {
            try await play(step, client, "step \(index + 1) (\(step["call"]?.string ?? ""))")
        }
        Trace.note("client", client)
        try await client.close()
    }

    private mutating func play(_ step: JSONValue, _ client: Hightouch, _ place: String) async throws {
        let handle = step["on"]?.string.flatMap { handles[$0] }
        let call = try Call(
            client: client, step: step, args: try filled(step["args"] ?? [:]), opts: try filled(step["opts"] ?? [:]),
            on: handle, isRaw: isRaw)
        let all = try await withThrowingTaskGroup(of: Ended?.self) { group in
            for _ in 0..<(step["atOnce"]?.int ?? 1) {
                group.addTask { await call.attempt() }
            }
            group.addTask {
                try await Task.sleep(for: .seconds(60))
                return nil
            }
            var all: [Ended] = []
            while all.count < step["atOnce"]?.int ?? 1, let ended = try await group.next() {
                guard let ended else { throw Wrong(description: "\(place) hangs") }
                all.append(ended)
            }
            group.cancelAll()
            return all
        }
        for ended in all {
            try check(try filled(step["expect"] ?? [:]), ended, place)
            guard let name = step["save"]?.string else { continue }
            names[name] = try ended.error.map { try JSONValue(of: XCTUnwrap($0 as? HightouchError)) } ?? ended.value
            handles[name] = ended.handle
        }
    }

    /// A value with its placeholders replaced; a string that is one and nothing else becomes what it names.
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
                guard let found else { throw Wrong(description: "there is no {{\(name)}}") }
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
                throw Wrong(description: "\(place) gave \(ended.value), not \(members)")
            }
            return try check(members, error, place)
        }
        if let error = ended.error { throw Wrong(description: "\(place) failed: \(error)") }
        if let value = expected["value"] {
            let wrong = complaints(value, ended.value)
            guard wrong.isEmpty else { throw Wrong(description: "\(place): \(wrong)") }
        }
        if let count = expected["count"]?.int, ended.value.array?.count != count {
            throw Wrong(description: "\(place): \(ended.value.array?.count ?? -1) elements, expected \(count)")
        }
    }

    private func check(_ expected: [String: JSONValue], _ error: any Error, _ place: String) throws {
        let failure: JSONValue
        switch error {
        case let error as HightouchError: failure = try JSONValue(of: error)
        case is CancellationError: failure = ["kind": "cancelled"]
        default: throw error
        }
        let members = expected.filter { !["contains", "notContaining"].contains($0.key) }
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
        guard wrong.isEmpty else { throw Wrong(description: "\(place): \(wrong) in \(failure)") }
    }
}

private func texts(_ value: JSONValue?) -> [String] {
    value?.string.map { [$0] } ?? value?.array?.compactMap(\.string) ?? []
}
