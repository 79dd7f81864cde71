import Foundation
import XCTest

@testable import HightouchSDK

/// Creates a client from a scenario's settings. A setting that ``Configuration`` does not have, or that has a wrong
/// type, is passed to the core unchanged.
func client(
    _ settings: [String: JSONValue], credentials: (@Sendable () async throws -> String)? = nil
) throws -> Hightouch {
    var (configuration, apiKey, rest) = (Configuration(), String?.none, [String: JSONValue]())
    for (name, value) in settings {
        switch (name, value.shape) {
        case ("apiKey", .string(let text)): apiKey = text
        case ("apiKeyFile", .string(let text)): configuration.apiKeyFile = text
        case ("baseUrl", .string(let text)): configuration.baseURL = text
        case ("caBundle", .string(let text)): configuration.caBundle = text
        case ("proxy", .string(let text)): configuration.proxy = Secret(text)
        case ("limitScope", .string(let text)): configuration.limitScope = .server(text)
        case ("share", _) where value.double != nil: configuration.share = value.double
        case ("maxRetries", .int(let count)): configuration.maxRetries = count
        case ("timeoutMs", .int(let time)): configuration.timeout = .milliseconds(time)
        case ("deadlineMs", .int(let time)): configuration.deadline = .milliseconds(time)
        case ("maxWaitMs", .int(let time)): configuration.maxWait = .milliseconds(time)
        case ("limit", .array(let pair)) where pair.count == 2 && pair[0].int != nil && pair[1].double != nil:
            configuration.limit = RateLimit(requests: pair[0].int ?? 0, per: .seconds(pair[1].double ?? 0))
        default: rest[name] = value
        }
    }
    return try hightouch(
        apiKey, configuration, rest, credentials: credentials.map { CredentialsProvider($0) }, hooks: Trace.hooks)
}

/// Creates a client. `internal` holds settings that ``Configuration`` does not have.
func hightouch(
    _ apiKey: String?, _ configuration: Configuration, _ internal: [String: JSONValue],
    credentials: CredentialsProvider? = nil, hooks: Hooks = Hooks()
) throws -> Hightouch {
    var settings = configuration.fields
    settings.set("apiKey", apiKey)
    return try Hightouch(settings: settings, credentials: credentials, hooks: hooks, internal: `internal`)
}

/// One call of a scenario, which can be made more than once.
struct Call: Sendable {
    let client: Hightouch
    let options: CallOptions
    /// Whether to make the call through `withRawResponse`, and then to parse the response. The result must be the
    /// same as that of the plain method.
    let isRaw: Bool
    private let step: JSONValue
    private let args: JSONValue
    private let handle: AnyRun?
    private let world: World

    init(
        client: Hightouch, step: JSONValue, args: JSONValue, opts: JSONValue, on handle: AnyRun? = nil, world: World,
        isRaw: Bool = false
    ) throws {
        self.isRaw = isRaw
        self.client = client
        self.step = step
        self.args = args
        self.handle = handle
        self.world = world
        var options = CallOptions()
        for (name, value) in opts.object ?? [:] {
            switch (name, value.shape) {
            case ("timeoutMs", .int(let time)): options.timeout = .milliseconds(time)
            case ("deadlineMs", .int(let time)): options.deadline = .milliseconds(time)
            case ("maxWaitMs", .int(let time)): options.maxWait = .milliseconds(time)
            case ("maxRetries", .int(let count)): options.maxRetries = count
            case ("priority", .string(let text)): options.priority = Priority(rawValue: text)
            case ("headers", .object(let headers)): options.headers = headers.compactMapValues(\.string)
            default: throw TestFailure(description: "this player has no option \(name): \(value)")
            }
        }
        self.options = options
    }

    /// How many times to make the call concurrently.
    var times: Int { step["atOnce"]?.int ?? 1 }

    /// Makes the call, and cancels the call if the step says so.
    func attempt() async -> Ended {
        let task = Task { try await make() }
        let cancelling = Task {
            guard let after = step["cancelAfterMs"]?.int ?? (step["cancelOn"] == nil ? nil : 20) else { return }
            repeat { try await Task.sleep(for: .milliseconds(after)) } while try await !isDue()
            task.cancel()
        }
        defer { cancelling.cancel() }
        do {
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            Trace.note(error: error)
            return Ended(error: error)
        }
    }

    /// Whether the call must be cancelled now: `cancelOn` is absent, or the server has received a request of the
    /// operation that `cancelOn` names.
    private func isDue() async throws -> Bool {
        guard let operation = step["cancelOn"] else { return true }
        return try await world.requests().contains { $0["operation"] == operation }
    }

    private func make() async throws -> Ended {
        switch step["call"]?.string {
        case "client.run":
            try know(["token"])
            return try ended(await client.run(try argument("token")))
        case "run.wait":
            try know(["timeoutMs", "onFailure", "onWarning"])
            return switch try XCTUnwrap(handle) {
            case .sync(let run): try await waited(run)
            case .sequence(let run): try await waited(run)
            case .identityGraph(let run): try await waited(run)
            }
        case "syncs.run_many": return try await ranMany()
        case "run.states":
            let all: [String] =
                switch try XCTUnwrap(handle) {
                case .sync(let run): try await run.states.reduce(into: []) { $0.append($1.status.rawValue) }
                case .sequence(let run): try await run.states.reduce(into: []) { $0.append($1.status.rawValue) }
                case .identityGraph(let run): try await run.states.reduce(into: []) { $0.append($1.status.rawValue) }
                }
            let seen = all.indices.filter { $0 == 0 || all[$0] != all[$0 - 1] }
            return Ended(value: .array(seen.map { .string(all[$0]) }))
        case "run.state":
            return switch try XCTUnwrap(handle) {
            case .sync(let run): try Ended(value: JSONValue(of: try await run.state()))
            case .sequence(let run): try Ended(value: JSONValue(of: try await run.state()))
            case .identityGraph(let run): try Ended(value: JSONValue(of: try await run.state()))
            }
        case "run.problem":
            let problem =
                switch try XCTUnwrap(handle) {
                case .sync(let run): try await run.state().problem
                case .sequence(let run): try await run.state().problem
                case .identityGraph(let run): try await run.state().problem
                }
            return try Ended(value: JSONValue(of: problem))
        case "request":
            try know(["method", "path", "query", "body"])
            return Ended(
                value: try await client.request(
                    try XCTUnwrap(args["method"]?.string), try XCTUnwrap(args["path"]?.string),
                    query: args["query"]?.object ?? [:], body: args["body"], options: options))
        case "client.stats": return try Ended(value: JSONValue(of: try await client.stats()))
        case "client.diagnose":
            let found = try await client.diagnose()
            Trace.note("diagnosis", found)
            return try Ended(value: JSONValue(of: found))
        case "client.setKey":
            try await client.setAPIKey(try XCTUnwrap(args["apiKey"]?.string))
            return Ended()
        case "client.close":
            try await client.close()
            return Ended()
        case let call:
            guard let ended = try await made(call ?? "") else {
                throw TestFailure(description: "this player does not know the call \(call ?? "")")
            }
            return ended
        }
    }

    /// Runs many syncs in one batch. Waits for the end of the batch, or stops the batch if `stopAfter` is given.
    private func ranMany() async throws -> Ended {
        try know([
            "syncs", "atOnce", "checkpoint", "retryUnknown", "retryFailed", "onFailure", "onWarning", "stopAfter",
        ])
        let batch = try await client.syncs.runMany(
            try argument("syncs"), atOnce: try optional("atOnce"), checkpoint: try optional("checkpoint"),
            retryUnknown: try optional("retryUnknown"), retryFailed: try optional("retryFailed"), options: options)
        let (onFailure, onWarning): (String?, String?) = (try optional("onFailure"), try optional("onWarning"))
        typealias EndPolicy = SyncRunHandle.EndPolicy
        let items: [BatchItem]
        if let count = args["stopAfter"]?.int {
            var ended = batch.makeAsyncIterator()
            for _ in 0..<count { _ = try await ended.next() }
            items = await batch.stop()
        } else {
            items = try await batch.wait(
                onFailure: try onFailure.map { try XCTUnwrap(EndPolicy(rawValue: $0)) } ?? .throw,
                onWarning: try onWarning.map { try XCTUnwrap(EndPolicy(rawValue: $0)) } ?? .return)
        }
        return Ended(
            value: .array(
                try items.map { item in
                    let error: JSONValue = item.error.map { .string($0.kind.rawValue) } ?? .null
                    return .object([
                        "sync": try JSONValue(of: item.sync),
                        "outcome": item.outcome.map { .string($0.rawValue) } ?? .null,
                        "adopted": .bool(item.isAdopted), "joined": .bool(item.isJoined),
                        "status": item.state.map { .string($0.status.rawValue) } ?? .null, "error": error,
                    ])
                }))
    }

    private func waited<State>(_ run: RunHandle<State>) async throws -> Ended {
        let (onFailure, onWarning): (String?, String?) = (try optional("onFailure"), try optional("onWarning"))
        typealias EndPolicy = RunHandle<State>.EndPolicy
        let state = try await run.wait(
            timeout: args["timeoutMs"]?.int.map { .milliseconds($0) },
            onFailure: try onFailure.map { try XCTUnwrap(EndPolicy(rawValue: $0)) } ?? .throw,
            onWarning: try onWarning.map { try XCTUnwrap(EndPolicy(rawValue: $0)) } ?? .return)
        return try Ended(value: JSONValue(of: state))
    }
}

/// Functions that the generated calls use.
extension Call {
    /// Throws if the scenario has an argument that the call does not pass on. Otherwise the scenario would pass without
    /// testing that argument.
    func know(_ names: Set<String>) throws {
        let unknown = Set((args.object ?? [:]).keys).subtracting(names)
        guard unknown.isEmpty else {
            throw TestFailure(description: "this player does not pass the arguments \(unknown)")
        }
    }

    func argument<Value: Decodable>(_ name: String) throws -> Value {
        guard let value: Value = try optional(name) else {
            throw TestFailure(description: "there is no argument \(name)")
        }
        return value
    }

    func optional<Value: Decodable>(_ name: String) throws -> Value? {
        guard let value = args[name] else { return nil }
        return try Coding.decoder().decode(Value.self, from: try Coding.encoder().encode(value))
    }

    /// An argument that is required and may be null.
    func nullable<Value: Decodable>(_ name: String) throws -> Value? {
        guard let value = args[name] else { throw TestFailure(description: "there is no argument \(name)") }
        return value.isNull ? nil : try optional(name)
    }

    func patch<Value: Decodable>(_ name: String) throws -> Patch<Value> {
        args[name] == nil ? .absent : Patch.setOrClear(try nullable(name))
    }

    func ended<Value: Encodable>(_ value: Value) throws -> Ended { try Ended(value: JSONValue(of: value)) }

    func ended(_: Void) throws -> Ended { Ended() }

    func ended<Element: Codable>(_ list: PagedSequence<Element>) async throws -> Ended {
        if step["take"] == "firstPage" { return try ended(try await list.firstPage().items) }
        var all: [JSONValue] = []
        for try await element in list { all.append(try JSONValue(of: element)) }
        return Ended(value: .array(all))
    }

    func ended(_ run: SyncRunHandle) throws -> Ended { try ended(.sync(run)) }
    func ended(_ run: SequenceRunHandle) throws -> Ended { try ended(.sequence(run)) }
    func ended(_ run: IdentityGraphRunHandle) throws -> Ended { try ended(.identityGraph(run)) }

    func ended(_ run: SyncRunHandle?) throws -> Ended { try run.map { try ended(.sync($0)) } ?? Ended() }
    func ended(_ run: IdentityGraphRunHandle?) throws -> Ended {
        try run.map { try ended(.identityGraph($0)) } ?? Ended()
    }

    func ended(_ run: AnyRun) throws -> Ended {
        switch run {
        case .sync(let handle): Ended(handle, run)
        case .sequence(let handle): Ended(handle, run)
        case .identityGraph(let handle): Ended(handle, run)
        }
    }

    func parsed<Value: Encodable>(_ response: RawResponse<Value>) async throws -> Ended {
        try ended(try await noted(response).parse())
    }

    func parsed(_ response: RawResponse<Void>) async throws -> Ended { try ended(try await noted(response).parse()) }

    func parsed(_ response: RawResponse<SyncRunHandle>) async throws -> Ended {
        try ended(try await noted(response).parse())
    }

    func parsed(_ response: RawResponse<SequenceRunHandle>) async throws -> Ended {
        try ended(try await noted(response).parse())
    }

    func parsed(_ response: RawResponse<IdentityGraphRunHandle>) async throws -> Ended {
        try ended(try await noted(response).parse())
    }

    func parsed(_ response: RawResponse<SyncRunHandle?>) async throws -> Ended {
        try ended(try await noted(response).parse())
    }

    func parsed(_ response: RawResponse<IdentityGraphRunHandle?>) async throws -> Ended {
        try ended(try await noted(response).parse())
    }

    private func noted<Value>(_ response: RawResponse<Value>) -> RawResponse<Value> {
        Trace.note(raw: response)
        return response
    }
}

extension Ended {
    /// Converts a handle to the form that scenarios compare.
    fileprivate init<State>(_ run: RunHandle<State>, _ handle: AnyRun) {
        Trace.note(run: run)
        value = [
            "id": .string("\(run.id)"), "parent": .string("\(run.parentId)"), "kind": .string(run.kind.rawValue),
            "adopted": .bool(run.isAdopted), "joined": .bool(run.isJoined), "token": .string(run.token),
        ]
        self.handle = handle
    }
}
