/// A client of the Hightouch REST API.
///
/// ```swift
/// let ht = try Hightouch()  // HIGHTOUCH_API_KEY
/// let run = try await ht.syncs.trigger("orders-to-salesforce")
/// let result = try await run.wait(timeout: .seconds(1800))
/// ```
///
/// One client serves any number of tasks at once. It keeps within the workspace's limit of requests, together with all
/// clients of the same key and origin in this process, and repeats only what may be repeated. Its methods throw
/// ``HightouchError``. Cancelling the task ends the request under way; the method then throws `CancellationError`, or
/// ``HightouchError`` of the kind `cancelled` if something may have been started or changed, or a run was followed.
public final class Hightouch: Sendable {
    let door: Door

    /// Makes a client; sends nothing.
    ///
    /// - Parameters:
    ///   - apiKey: The workspace's API key; read from `HIGHTOUCH_API_KEY` when nil.
    ///   - configuration: What differs from the defaults.
    ///   - onStart: Told of each call that may send, before it is made.
    ///   - onEnd: Told of each such call when it has ended, however it did.
    /// - Throws: `HightouchError` of the kind `config`.
    public convenience init(
        apiKey: String? = nil,
        configuration: Configuration = Configuration(),
        onStart: (@Sendable (CallStart) -> Void)? = nil,
        onEnd: (@Sendable (CallEnd) -> Void)? = nil
    ) throws {
        var settings = configuration.fields
        settings.set("apiKey", apiKey)
        try self.init(settings: settings, hooks: Hooks(onStart: onStart, onEnd: onEnd))
    }

    /// Creates a client whose key a function returns; sends nothing, and does not call the function yet.
    ///
    /// The function is called before the first request, and again when the server refuses the key (401): once for all
    /// requests that were refused with it. If it returns another key, each of them is sent once more with that one. The
    /// deadline of a call includes the time that the function takes. Calls on this client from inside the function are
    /// errors of the kind `authentication`; get the key elsewhere, or create another client for it.
    ///
    /// - Parameters:
    ///   - credentials: Returns the workspace's API key. If it throws, or returns what cannot be a key, the calls that
    ///     wait for the key throw an error of the kind `authentication` with the code `key_function` and with what it
    ///     threw as ``HightouchError/underlying``. Cancelling one of those calls does not cancel the function;
    ///     ``close()`` does, and so does releasing the client with everything that was created from it.
    ///   - configuration: What differs from the defaults.
    ///   - onStart: Told of each call that may send, before it is made.
    ///   - onEnd: Told of each such call when it has ended, however it did.
    /// - Throws: `HightouchError` of the kind `config`.
    public convenience init(
        credentials: @escaping @Sendable () async throws -> String,
        configuration: Configuration = Configuration(),
        onStart: (@Sendable (CallStart) -> Void)? = nil,
        onEnd: (@Sendable (CallEnd) -> Void)? = nil
    ) throws {
        try self.init(
            settings: configuration.fields, credentials: Credentials(credentials),
            hooks: Hooks(onStart: onStart, onEnd: onEnd))
    }

    /// Takes the settings that hosts do not show, for tests.
    init(
        settings: Fields, credentials: Credentials? = nil, hooks: Hooks = Hooks(), internal: [String: JSONValue] = [:]
    ) throws {
        var settings = settings
        settings.set("language", Self.language)
        settings.set("jsonText", true)
        if credentials != nil {
            settings.set("keyLater", true)
        }
        for (name, value) in `internal` {
            settings.set(name, value)
        }
        door = try Door(settings, credentials: credentials, hooks: hooks)
    }

    /// Takes up a run again, from here or from another process or language.
    ///
    /// - Parameter token: `RunHandle.token`.
    /// - Returns: The run of whatever kind it is; nothing is sent.
    /// - Throws: `HightouchError` of the kind `invalidRequest` where it is no token of a run at this origin.
    public func run(_ token: String) async throws -> AnyRun {
        try AnyRun(try await door.local("runs.open", ["run": token]).value(), door: door)
    }

    /// Sends a request for which there is no method yet.
    ///
    /// - Parameters:
    ///   - method: `GET`, `POST`, `PATCH`, …; only a `GET` or `HEAD` is repeated after a failure.
    ///   - path: Below the base URL, beginning with exactly one `/`.
    ///   - query: Scalars, or lists of them for what is repeated.
    ///   - body: Sent as JSON; nil sends no body.
    ///   - options: For this call alone.
    /// - Returns: The server's JSON.
    /// - Throws: `HightouchError`.
    public func request(
        _ method: String,
        _ path: String,
        query: [String: JSONValue] = [:],
        body: JSONValue? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> JSONValue {
        let arguments: Fields = ["method": method, "path": path, "query": query, "body": body]
        return JSONValue(
            known: String(decoding: try await door.call("request", arguments, options.fields).body, as: UTF8.self))
    }

    /// The state of the limit; nothing is sent.
    ///
    /// - Returns: The state at this moment.
    /// - Throws: `HightouchError` of the kind `closed`.
    public func stats() async throws -> LimitStats {
        try await door.local("client.stats").value()
    }

    /// Diagnoses a client of these settings, also where they make none: that is a finding then, and is not thrown.
    ///
    /// - Parameters:
    ///   - apiKey: The workspace's API key; read from `HIGHTOUCH_API_KEY` when nil.
    ///   - configuration: What differs from the defaults.
    /// - Returns: What was found; see the method of the same name.
    /// - Throws: `HightouchError` of the kind `internal`.
    public static func diagnose(
        apiKey: String? = nil, configuration: Configuration = Configuration()
    ) async throws -> Diagnosis {
        var settings = configuration.fields
        settings.set("apiKey", apiKey)
        let client = try Hightouch(settings: settings, internal: ["diagnosing": true])
        let diagnosis = try await client.diagnose()
        try await client.close()
        return diagnosis
    }

    /// Looks at the connection and the key: one handshake, and one read that counts towards the limit.
    ///
    /// - Returns: What was found; a failure is a finding and is not thrown.
    /// - Throws: `HightouchError` of the kind `closed`.
    public func diagnose() async throws -> Diagnosis {
        try await door.call("client.diagnose").value()
    }

    /// Uses another key from the next request on. The limit's state is kept: it belongs to the workspace.
    ///
    /// - Parameter apiKey: The new key.
    /// - Throws: `HightouchError` of the kind `config` for what cannot be a key; the old one stays.
    public func setAPIKey(_ apiKey: String) async throws {
        _ = try await door.local("client.setKey", ["apiKey": apiKey])
    }

    /// Ends the client: calls under way and later ones fail with the kind `closed`, and a function that is being asked
    /// for the key is cancelled. Works in a cancelled task too.
    ///
    /// - Throws: `HightouchError` of the kind `internal`.
    public func close() async throws {
        try await door.close()
    }

    /// What the User-Agent says of us: the oldest Swift of which the compiler has the features.
    private static var language: String {
        #if compiler(>=6.2)
            "swift/6.2"
        #elseif compiler(>=6.1)
            "swift/6.1"
        #else
            "swift/6.0"
        #endif
    }
}
