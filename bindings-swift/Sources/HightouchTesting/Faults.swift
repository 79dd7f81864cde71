import Foundation
import HightouchSDK

/// Plans faults of a world, such as an answer with an error or a lost connection. A fault affects the next requests of
/// one method of a client, such as `syncs.trigger`. If the method is nil, the fault affects the next requests of any
/// method. Faults for one method are used in the order in which they were planned.
extension World {
    /// Answers the next requests of a method with an error.
    ///
    /// - Parameters:
    ///   - method: The method; nil for any.
    ///   - status: The status of the answer, 200 to 599.
    ///   - times: How many requests fail; nil for all from now on.
    ///   - message: The message in the answer.
    ///   - retryAfter: The value of the header `Retry-After`, in seconds of the world. If nil, the answer has no such
    ///     header.
    ///   - performed: Whether the requests have their effect in spite of the error.
    /// - Throws: ``SandboxError`` if a client has no such method or an argument is wrong.
    public func failNext(
        _ method: String?,
        _ status: Int = 502,
        times: Int? = 1,
        message: String = "armed by the test",
        retryAfter: Int? = nil,
        performed: Bool = false
    ) async throws {
        var answer: [String: JSONValue] = [
            "status": .int(status), "body": ["message": .string(message)], "apply": .bool(performed),
        ]
        if let retryAfter { answer["headers"] = ["retry-after": .string(String(retryAfter))] }
        try await arm(method, answer, times, "failNext(\(quoted(method)), \(status))")
    }

    /// Breaks the connection before the answers to the next requests of a method.
    ///
    /// - Parameters:
    ///   - method: The method; nil for any.
    ///   - times: How many answers are lost; nil for all from now on.
    ///   - performed: Whether the requests have their effect.
    /// - Throws: ``SandboxError`` if a client has no such method or an argument is wrong.
    public func loseAnswer(_ method: String?, times: Int? = 1, performed: Bool = true) async throws {
        try await arm(
            method, ["reset": "before-headers", "apply": .bool(performed)], times, "loseAnswer(\(quoted(method)))")
    }

    /// Delays the answers to the next requests of a method.
    ///
    /// - Parameters:
    ///   - method: The method; nil for any.
    ///   - delay: How long each answer is delayed, in real time.
    ///   - times: How many answers are delayed; nil for all from now on.
    /// - Throws: ``SandboxError`` if a client has no such method or an argument is wrong.
    public func delayNext(_ method: String?, by delay: Duration, times: Int? = 1) async throws {
        let milliseconds = Int((delay / .milliseconds(1)).rounded())
        try await arm(method, ["delayMs": .int(milliseconds)], times, "delayNext(\(quoted(method)), by: \(delay))")
    }

    /// Answers the next requests of a method with JSON. The requests have no effect.
    ///
    /// - Parameters:
    ///   - method: The method; nil for any.
    ///   - body: The JSON of the answer.
    ///   - status: The status of the answer, 200 to 599.
    ///   - headers: Headers of the answer.
    ///   - times: How many requests get this answer; nil for all from now on.
    /// - Throws: ``SandboxError`` if a client has no such method or an argument is wrong.
    public func answerNext(
        _ method: String?, _ body: JSONValue, status: Int = 200, headers: [String: String] = [:], times: Int? = 1
    ) async throws {
        let answer: [String: JSONValue] = [
            "status": .int(status), "body": body, "headers": .object(headers.mapValues { .string($0) }),
        ]
        try await arm(method, answer, times, "answerNext(\(quoted(method)))")
    }

    /// Plans how future runs of syncs go. If `status`, `error`, `seconds` or `rejected` is nil, the setting of the
    /// world applies in its place.
    ///
    /// - Parameters:
    ///   - sync: The id or the slug of a sync; nil for all syncs.
    ///   - status: The status with which the run ends: `success`, `warning`, `failed`, `cancelled` or `interrupted`.
    ///   - error: The error text of the run.
    ///   - seconds: How long the run takes, in seconds of the world.
    ///   - rejected: How many of 150 rows the destination rejects, 0 to 150.
    ///   - times: How many runs follow the plan; nil for all from now on.
    /// - Throws: ``SandboxError`` if the world has no such sync or an argument is wrong.
    public func planRuns(
        _ sync: SyncReference? = nil,
        status: String? = nil,
        error: String? = nil,
        seconds: Double? = nil,
        rejected: Int? = nil,
        times: Int? = nil
    ) async throws {
        // The sandbox accepts any status, as the API may add one. A run with a status that is no end would never end.
        if let status, !ends.contains(status) {
            let names = ends.map { "\"\($0)\"" }.joined(separator: ", ")
            throw SandboxError("`status` must be one of \(names), not \"\(status)\".")
        }
        guard (seconds ?? 0) >= 0 else { throw SandboxError("`seconds` must not be negative.") }
        var plan: [String: JSONValue] = [:]
        plan["status"] = status.map { .string($0) }
        plan["error"] = error.map { .string($0) }
        plan["seconds"] = seconds.map { .double($0) }
        if let rejected {
            guard (0...150).contains(rejected) else { throw SandboxError("`rejected` must be from 0 to 150.") }
            plan["rows"] = [
                "planned": ["added": 150],
                "successful": ["added": .int(150 - rejected)],
                "failed": ["added": .int(rejected)],
            ]
        }
        var asked: [String: JSONValue] = ["plan": .object(plan)]
        asked["sync"] = try sync.map { try JSONValue(encoding: $0) }
        asked["times"] = times.map { .int($0) }
        let entry = try await control("POST", "/arm/runs", .object(asked), as: Entries.self).entries.first
        if let entry, let times {
            let name = if case .id(let id)? = sync { "\(id)" } else { quoted(sync?.description) }
            armed.add(.runs, entry, times, "planRuns(\(name), status: \(quoted(status)))")
        }
    }

    /// Lets the next runs of a sync fail.
    ///
    /// - Parameters:
    ///   - sync: The id or the slug of the sync; nil for any.
    ///   - error: The error text of the run.
    ///   - times: How many runs fail.
    /// - Throws: ``SandboxError`` if the world has no such sync.
    public func failNextRun(
        _ sync: SyncReference? = nil, _ error: String = "armed by the test", times: Int = 1
    ) async throws {
        try await planRuns(sync, status: "failed", error: error, times: times)
    }

    /// Lets the next runs of a sync end with a warning.
    ///
    /// - Parameters:
    ///   - sync: The id or the slug of the sync; nil for any.
    ///   - error: The error text of the run.
    ///   - rejected: How many of 150 rows the destination rejects, 0 to 150.
    ///   - times: How many runs end with a warning.
    /// - Throws: ``SandboxError`` if the world has no such sync.
    public func warnNextRun(
        _ sync: SyncReference? = nil, _ error: String = "armed by the test", rejected: Int = 1, times: Int = 1
    ) async throws {
        try await planRuns(sync, status: "warning", error: error, rejected: rejected, times: times)
    }

    /// Sets the rate limit of the workspace. Clients do not know the new limit; they learn it from refusals (429).
    ///
    /// - Parameters:
    ///   - requests: How many requests are allowed.
    ///   - period: The length of the window in which these requests are allowed, in the time of the world.
    ///   - othersPerSecond: How many requests of other programs count towards the limit in each second of the world.
    ///   - retryAfter: The value of the header `Retry-After` of a refusal, in seconds of the world. If nil, a refusal
    ///     has no such header.
    /// - Throws: ``SandboxError`` if an argument is wrong.
    public func setLimit(
        _ requests: Int, per period: Duration = .seconds(10), othersPerSecond: Double? = nil, retryAfter: Int? = nil
    ) async throws {
        var limit: [String: JSONValue] = ["requests": .int(requests), "seconds": .double(period / .seconds(1))]
        if let othersPerSecond { limit["stranger"] = ["perSecond": .double(othersPerSecond)] }
        limit["retryAfter"] = retryAfter.map { .int($0) }
        _ = try await control("POST", "/arm/limit", .object(limit), as: JSONValue.self)
        armed.limit()
    }

    private func arm(
        _ method: String?, _ answer: [String: JSONValue], _ times: Int?, _ text: String
    ) async throws {
        let names = try method.map { JSONValue(try operations(of: $0).map { JSONValue($0) }) }
        let when: JSONValue = names.map { ["operation": $0] } ?? [:]
        let entry: JSONValue = ["when": when, "answer": .object(answer), "times": .int(times ?? Int(UInt32.max))]
        let index = try await control("POST", "/arm/script", [entry], as: Entries.self).entries.first
        if let index, let times { armed.add(.script, index, times, text) }
    }

    private func quoted(_ text: String?) -> String { text.map { "\"\($0)\"" } ?? "nil" }
}

/// How a run of a sync can end.
private let ends = ["success", "warning", "failed", "cancelled", "interrupted"]

private struct Entries: Decodable {
    let entries: [Int]
}

/// The faults that a test planned, each for a number of requests or runs. ``World/judge()`` checks that each fault was
/// used as often as planned.
final class ArmedFaults: @unchecked Sendable {
    /// For each fault, by its index, how many of its planned uses remain.
    struct Left: Decodable {
        let script: [Int]
        let runs: [Int]
    }

    private let lock = NSLock()
    /// Guarded by `lock`, as is `limited`.
    private var faults: [(list: KeyPath<Left, [Int]> & Sendable, index: Int, times: Int, text: String)] = []
    private var limited = false

    enum List { case script, runs }

    var isLimited: Bool { lock.withLock { limited } }

    func limit() { lock.withLock { limited = true } }

    func add(_ list: List, _ index: Int, _ times: Int, _ text: String) {
        lock.withLock { faults.append((list == .script ? \.script : \.runs, index, times, text)) }
    }

    func unmet(_ left: Left) -> [String] {
        lock.withLock {
            faults.compactMap { fault in
                let list = left[keyPath: fault.list]
                let met = fault.times - (list.indices.contains(fault.index) ? list[fault.index] : fault.times)
                return met < fault.times ? "\(fault.text) was met \(met) times instead of \(fault.times)." : nil
            }
        }
    }
}
