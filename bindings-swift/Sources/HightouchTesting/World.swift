import Foundation
import HightouchSDK

/// A workspace of the sandbox with its own keys, data, clock, rate limit and log.
///
/// ``withWorld(_:sandbox:judge:_:)`` creates a world for a block. Time in a world passes faster than real time, by
/// the factor ``Settings/timeScale``. Clients of this world in this process shorten their pauses by this factor: the
/// pauses between two looks at a run, before a retry, and for the rate limit. Time limits that a program sets are in
/// real time.
public final class World: Sendable {
    /// Settings of a world.
    public struct Settings: Sendable {
        /// The number of syncs. The ids of the syncs start at 1. If nil, the world has one sync for each slug, but at
        /// least 3 syncs.
        public var syncs: Int?
        /// The slugs of the first syncs. The server invents the slugs of all other syncs.
        public var slugs: [String]
        /// How long a run takes, in seconds of the world.
        public var secondsPerRun: Double
        /// The factor by which time in the world passes faster than real time, 0.001 to 1,000,000.
        public var timeScale: Double
        /// The rate limit of the workspace, in the time of the world. A client expects the usual limit of 200 requests
        /// in 10 seconds unless the client's own settings name another limit.
        public var limit: RateLimit
        /// The seed of the data: worlds with the same seed have the same data.
        public var seed: Int
        /// Further settings by their names in the sandbox, such as `["pastRuns": 2]`.
        public var others: [String: JSONValue]

        /// Creates settings.
        public init(
            syncs: Int? = nil,
            slugs: [String] = [],
            secondsPerRun: Double = 5,
            timeScale: Double = 20,
            limit: RateLimit = RateLimit(requests: 200, per: .seconds(10)),
            seed: Int = 1,
            others: [String: JSONValue] = [:]
        ) {
            self.syncs = syncs
            self.slugs = slugs
            self.secondsPerRun = secondsPerRun
            self.timeScale = timeScale
            self.limit = limit
            self.seed = seed
            self.others = others
        }

        var json: JSONValue {
            get throws {
                var all: [String: JSONValue] = [
                    "syncs": .int(syncs ?? max(3, slugs.count)),
                    "slugs": .array(slugs.map { .string($0) }),
                    "timeScale": .double(timeScale),
                    "limit": ["requests": .int(limit.requests), "seconds": .double(limit.period / .seconds(1))],
                    "seed": .int(seed),
                    "runs": ["seconds": .double(secondsPerRun)],
                ]
                all.merge(others) { $1 }
                return .object(all)
            }
        }
    }

    /// The API keys of a world. No other world accepts these keys.
    public struct Keys: Sendable, Decodable, CustomStringConvertible, CustomReflectable {
        /// A key that allows every operation.
        public let valid: String
        /// Another key that allows every operation. A test can replace the valid key of a client with this key.
        public let second: String
        /// The server refuses this key with 401, because it does not know the key.
        public let invalid: String
        /// The server refuses this key with 401, because the user who created it has left the workspace.
        public let orphaned: String
        /// A key that allows only reading. The server refuses a change with 403.
        public let readOnly: String

        /// A text without the keys.
        public var description: String { "Keys(…)" }
        /// A mirror without children, so that `dump` does not show the keys.
        public var customMirror: Mirror { Mirror(self, children: []) }
    }

    /// The server of this world.
    public let sandbox: Sandbox
    /// The base URL without TLS. Clients need no certificate for this URL.
    public let baseURL: String
    /// The base URL over TLS. Clients need the certificate in ``Sandbox/caBundle`` for this URL.
    public let tlsBaseURL: String
    /// The API keys of the world.
    public let keys: Keys
    private let id: String
    let armed = ArmedFaults()

    private struct Created: Decodable {
        let id: String
        let httpBaseUrl: String
        let baseUrl: String
        let keys: Keys
    }

    /// Creates a world. Remove it with ``close()``, or use ``withWorld(_:sandbox:judge:_:)``.
    ///
    /// - Parameters:
    ///   - settings: Settings that differ from the defaults.
    ///   - sandbox: The server. If nil, the server that all worlds of this process share.
    /// - Throws: ``SandboxError`` if the server cannot be started or a setting is wrong.
    public init(_ settings: Settings = Settings(), sandbox: Sandbox? = nil) async throws {
        let server = if let sandbox { sandbox } else { try await Sandbox.shared() }
        let created = try await server.control("POST", "", settings.json, as: Created.self)
        self.sandbox = server
        baseURL = created.httpBaseUrl
        tlsBaseURL = created.baseUrl
        keys = created.keys
        id = created.id
        TimeScales.set(settings.timeScale, at: [baseURL, tlsBaseURL])
    }

    /// The valid API key.
    public var apiKey: String { keys.valid }

    /// The settings with which a client uses this world.
    public var configuration: Configuration { Configuration(baseURL: baseURL, limitScope: .process) }

    /// The environment variables with which `Hightouch()` in a child process uses this world.
    public var environment: [String: String] {
        ["HIGHTOUCH_API_KEY": apiKey, "HIGHTOUCH_BASE_URL": baseURL, "HIGHTOUCH_LIMIT_SCOPE": "process"]
    }

    /// Creates a client of this world.
    ///
    /// - Parameter change: Changes settings of the client.
    /// - Returns: The client.
    /// - Throws: `HightouchError` of kind `config` if a setting is invalid.
    public func client(_ change: (inout Configuration) -> Void = { _ in }) throws -> Hightouch {
        var configuration = configuration
        change(&configuration)
        return try Hightouch(
            apiKey: configuration.apiKeyFile == nil ? apiKey : nil, configuration: configuration)
    }

    /// Returns the requests that the world received, in the order of their arrival.
    ///
    /// - Parameter method: Only the requests of this method, such as `syncs.trigger`. If nil, all requests.
    /// - Returns: The requests.
    /// - Throws: ``SandboxError`` if a client has no such method.
    public func requests(_ method: String? = nil) async throws -> [Request] {
        let wanted = try method.map(operations(of:))
        return try await log().requests.filter { wanted?.contains($0.operation ?? "") ?? true }
    }

    /// Waits until the world has received a number of requests, and returns them.
    ///
    /// - Parameters:
    ///   - method: Only the requests of this method count. If nil, all requests count.
    ///   - count: How many requests to wait for.
    ///   - timeout: How long to wait.
    /// - Returns: All requests so far, at least `count`.
    /// - Throws: ``SandboxError`` if a client has no such method, ``WorldError`` if fewer requests arrived in time, and
    ///   `CancellationError` if the task was cancelled.
    public func waitForRequests(
        _ method: String? = nil, count: Int = 1, timeout: Duration = .seconds(30)
    ) async throws -> [Request] {
        let end = ContinuousClock.now + timeout
        while true {
            let seen = try await requests(method)
            if seen.count >= count { return seen }
            guard ContinuousClock.now < end else {
                throw WorldError([
                    "\(seen.count) of \(count) requests (\(method ?? "any")) arrived in \(timeout)."
                ])
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// How many requests the rate limit of the world refused (429).
    public var refused: Int {
        get async throws { try await log().refused }
    }

    /// Returns sentences that say which requests are wrong, and which faults were used less often than planned.
    ///
    /// Waits up to 10 seconds for requests that have not ended. The judge checks each request against Hightouch's
    /// description of the API and against rules. One rule is that a client does not send a refused API key again. After
    /// ``setLimit(_:per:othersPerSecond:retryAfter:)`` the judge accepts refusals.
    public func judge() async throws -> [String] {
        let wire: JSONValue = armed.isLimited ? ["refused": .int(1 << 31), "allow": ["limit"]] : [:]
        let verdict = try await control(
            "POST", "/judge", ["player": "user", "scenario": "test", "wire": wire], as: Verdict.self)
        return verdict.complaints + armed.unmet(try await log().left)
    }

    /// Calls ``judge()``, and throws if ``judge()`` finds something wrong.
    ///
    /// - Throws: ``WorldError``, which lists what is wrong.
    public func check() async throws {
        let complaints = try await judge()
        if !complaints.isEmpty { throw WorldError(complaints) }
    }

    /// Removes the world. Removing a world again throws.
    public func close() async throws {
        TimeScales.set(nil, at: [baseURL, tlsBaseURL])
        _ = try await sandbox.control("DELETE", "/\(id)")
    }

    private struct Verdict: Decodable {
        let complaints: [String]
    }

    private struct Log: Decodable {
        let requests: [Request]
        let refused: Int
        let left: ArmedFaults.Left
    }

    private func log() async throws -> Log { try await control("GET", "/log", as: Log.self) }

    func control<Answer: Decodable>(
        _ method: String, _ path: String, _ body: JSONValue? = nil, as type: Answer.Type
    ) async throws -> Answer {
        try await sandbox.control(method, "/\(id)\(path)", body, as: type)
    }
}

/// Runs a block with a world of its own, and removes the world afterwards. If the block returns, ``World/judge()``
/// checks the requests.
///
/// - Parameters:
///   - settings: Settings of the world that differ from the defaults.
///   - sandbox: The server. If nil, the server that all worlds of this process share.
///   - judge: Whether ``World/judge()`` checks at the end of the block that the requests are right and every fault was
///     used.
///   - isolation: The actor in which the block runs; by default the actor of the caller.
///   - body: The block.
/// - Returns: What the block returns.
/// - Throws: What the block throws, ``WorldError`` if ``World/judge()`` found something wrong, and ``SandboxError`` if
///   the server cannot be started or a setting is wrong.
public func withWorld<Value: Sendable>(
    _ settings: World.Settings = World.Settings(),
    sandbox: Sandbox? = nil,
    judge: Bool = true,
    isolation: isolated (any Actor)? = #isolation,
    _ body: (World) async throws -> Value
) async throws -> Value {
    let world = try await World(settings, sandbox: sandbox)
    let result: Value
    do {
        result = try await body(world)
        if judge { try await world.check() }
    } catch {
        try? await world.close()
        throw error
    }
    try await world.close()
    return result
}

/// The error if a request broke a rule, if a fault was used less often than planned, or if fewer requests arrived than
/// a test waited for.
public struct WorldError: Error, LocalizedError, CustomStringConvertible, Sendable {
    /// What is wrong, as sentences.
    public let complaints: [String]

    init(_ complaints: [String]) { self.complaints = complaints }

    /// Lists what is wrong.
    public var description: String {
        "The sandbox found something wrong:\n" + complaints.map { "* \($0)" }.joined(separator: "\n")
    }

    /// The same as ``description``.
    public var errorDescription: String? { description }
}
