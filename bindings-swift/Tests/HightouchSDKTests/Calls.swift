import Foundation
import XCTest

@testable import HightouchSDK

/// A client from a scenario's settings. What the public configuration cannot express (that is a test's own setting, or
/// one of a wrong type) goes to the core as it stands.
func client(_ settings: [String: JSONValue]) throws -> Hightouch {
    var (configuration, apiKey, rest) = (Configuration(), String?.none, [String: JSONValue]())
    for (name, value) in settings {
        switch (name, value) {
        case ("apiKey", .string(let text)): apiKey = text
        case ("apiKeyFile", .string(let text)): configuration.apiKeyFile = text
        case ("baseUrl", .string(let text)): configuration.baseURL = text
        case ("caBundle", .string(let text)): configuration.caBundle = text
        case ("proxy", .string(let text)): configuration.proxy = Secret(text)
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
    return try Hightouch(apiKey: apiKey, configuration: configuration, internal: rest)
}

/// One call of a scenario, ready to be made, more than once if need be.
struct Call: Sendable {
    private let client: Hightouch
    private let step: JSONValue
    private let args: JSONValue
    private let options: CallOptions
    private let handle: SyncRunHandle?

    init(client: Hightouch, step: JSONValue, args: JSONValue, opts: JSONValue, on handle: SyncRunHandle?) throws {
        self.client = client
        self.step = step
        self.args = args
        self.handle = handle
        var options = CallOptions()
        for (name, value) in opts.object ?? [:] {
            switch (name, value) {
            case ("timeoutMs", .int(let time)): options.timeout = .milliseconds(time)
            case ("deadlineMs", .int(let time)): options.deadline = .milliseconds(time)
            case ("maxWaitMs", .int(let time)): options.maxWait = .milliseconds(time)
            case ("maxRetries", .int(let count)): options.maxRetries = count
            case ("priority", .string(let text)): options.priority = Priority(rawValue: text)
            case ("headers", .object(let headers)): options.headers = headers.compactMapValues(\.string)
            default: throw Wrong(description: "this player has no option \(name): \(value)")
            }
        }
        self.options = options
    }

    /// Makes the call, and cancels it where the step says so.
    func attempt() async -> Ended {
        let task = Task { try await make() }
        if let after = step["cancelAfterMs"]?.int {
            Task {
                try await Task.sleep(for: .milliseconds(after))
                task.cancel()
            }
        }
        do {
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            return Ended(error: error)
        }
    }

    private func make() async throws -> Ended {
        switch step["call"]?.string {
        case "syncs.list":
            try know(["slug", "modelId", "after", "before", "offset", "limit", "orderBy"])
            let list = client.syncs.list(
                slug: args["slug"]?.string, modelId: args["modelId"]?.int, after: try date("after"),
                before: try date("before"), offset: args["offset"]?.int, limit: args["limit"]?.int,
                orderBy: args["orderBy"]?.string, options: options)
            if step["take"] == "firstPage" { return try Ended(value: JSONValue(of: try await list.firstPage().items)) }
            var syncs: [Sync] = []
            for try await sync in list { syncs.append(sync) }
            return try Ended(value: JSONValue(of: syncs))
        case "syncs.trigger":
            try know(["sync", "fullResync", "resetCDC", "clearAndFill"])
            let sync = try args["sync"]?.int.map(SyncReference.id) ?? .slug(XCTUnwrap(args["sync"]?.string))
            return ended(
                try await client.syncs.trigger(
                    sync, fullResync: args["fullResync"]?.bool, resetCDC: args["resetCDC"]?.bool,
                    clearAndFill: args["clearAndFill"]?.bool, options: options))
        case "client.run":
            return ended(try await client.run(try XCTUnwrap(args["token"]?.string)))
        case "run.wait":
            try know(["timeoutMs", "onFailure", "onWarning"])
            let run = try XCTUnwrap(handle)
            let state = try await run.wait(
                timeout: args["timeoutMs"]?.int.map { .milliseconds($0) },
                onFailure: try args["onFailure"].map(ending) ?? .throw,
                onWarning: try args["onWarning"].map(ending) ?? .return)
            return try Ended(value: JSONValue(of: state))
        case "run.states":
            var seen: [JSONValue] = []
            for try await state in try XCTUnwrap(handle).states where seen.last?.string != state.status.rawValue {
                seen.append(.string(state.status.rawValue))
            }
            return Ended(value: .array(seen))
        case "request":
            try know(["method", "path", "query", "body"])
            return Ended(
                value: try await client.request(
                    try XCTUnwrap(args["method"]?.string), try XCTUnwrap(args["path"]?.string),
                    query: args["query"]?.object ?? [:], body: args["body"], options: options))
        case "client.stats": return try Ended(value: JSONValue(of: try await client.stats()))
        case "client.diagnose": return try Ended(value: JSONValue(of: try await client.diagnose()))
        case "client.setKey":
            try await client.setAPIKey(try XCTUnwrap(args["apiKey"]?.string))
            return Ended()
        case "client.close":
            try await client.close()
            return Ended()
        case let call: throw Wrong(description: "this player does not know the call \(call ?? "")")
        }
    }

    private func ended(_ run: SyncRunHandle) -> Ended {
        Ended(
            value: [
                "id": .string(String(run.id)), "parent": .string(String(run.syncId)), "adopted": .bool(run.isAdopted),
            ],
            handle: run)
    }

    private func ending(_ value: JSONValue) throws -> SyncRunHandle.Ending {
        try XCTUnwrap(SyncRunHandle.Ending(rawValue: value.string ?? ""))
    }

    private func date(_ name: String) throws -> Date? {
        try args[name]?.string.map(Coding.date)
    }

    /// An argument that is not passed on would let a scenario pass without having been played.
    private func know(_ names: Set<String>) throws {
        let unknown = Set((args.object ?? [:]).keys).subtracting(names)
        guard unknown.isEmpty else { throw Wrong(description: "this player does not pass on \(unknown)") }
    }
}
