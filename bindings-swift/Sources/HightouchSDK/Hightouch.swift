/// A client of the Hightouch REST API.
///
/// ```swift
/// let ht = try Hightouch()  // HIGHTOUCH_API_KEY
/// let run = try await ht.syncs.trigger("orders-to-salesforce")
/// let result = try await run.wait(timeout: .seconds(1800))
/// ```
///
/// One client serves any number of tasks at once. It shares the workspace's rate limit with all other clients of the
/// same key and origin in this process, and it retries a request only if the request is safe to repeat.
///
/// Methods throw ``HightouchError``. Cancelling the task closes the request in flight. The method then throws
/// `CancellationError`, or a ``HightouchError`` of kind `cancelled` if the request may have started or changed
/// something, or if the method was following a run.
public final class Hightouch: Sendable {
    let door: Door

    /// Creates a client. Sends nothing.
    ///
    /// - Parameters:
    ///   - apiKey: The workspace's API key. If nil, the client reads `HIGHTOUCH_API_KEY`.
    ///   - configuration: Settings that differ from the defaults.
    ///   - onStart: Called before each call that may send a request.
    ///   - onEnd: Called after each such call, whether it succeeded or failed.
    /// - Throws: ``HightouchError`` of kind `config` if there is no usable key or a setting is invalid.
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

    /// Creates a client that gets its key from a function. Sends nothing, and does not call the function yet.
    ///
    /// The client calls the function before the first request. It calls the function again if the server rejects the
    /// key (401), once for all requests that the server rejected with that key. If the function returns a different
    /// key, the client sends each of those requests once more.
    ///
    /// A call's deadline includes the time that the function takes. The function must not use this client: such a call
    /// throws an error of kind `authentication`. To fetch the key through the API, create a second client.
    ///
    /// - Parameters:
    ///   - credentials: Returns the workspace's API key. If it throws or returns an invalid key, the calls that are
    ///     waiting for the key throw an error of kind `authentication` with the code `key_function`, and
    ///     ``HightouchError/underlying`` is the error that the function threw. Cancelling one of those calls does not
    ///     cancel the function. ``close()`` cancels it, and so does releasing the client and everything created from
    ///     it.
    ///   - configuration: Settings that differ from the defaults.
    ///   - onStart: Called before each call that may send a request.
    ///   - onEnd: Called after each such call, whether it succeeded or failed.
    /// - Throws: ``HightouchError`` of kind `config` if a setting is invalid.
    public convenience init(
        credentials: @escaping @Sendable () async throws -> String,
        configuration: Configuration = Configuration(),
        onStart: (@Sendable (CallStart) -> Void)? = nil,
        onEnd: (@Sendable (CallEnd) -> Void)? = nil
    ) throws {
        try self.init(
            settings: configuration.fields, credentials: CredentialsProvider(credentials),
            hooks: Hooks(onStart: onStart, onEnd: onEnd))
    }

    /// Creates a client, for tests also with settings that ``Configuration`` does not have.
    init(
        settings: Fields, credentials: CredentialsProvider? = nil, hooks: Hooks = Hooks(),
        internal: [String: JSONValue] = [:]
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

    /// Opens a run from its token. Another process or another language may have started the run. Sends nothing.
    ///
    /// - Parameter token: The run's ``RunHandle/token``.
    /// - Returns: A handle for the run.
    /// - Throws: ``HightouchError`` of kind `invalidRequest` if `token` is not the token of a run at this origin.
    public func run(_ token: String) async throws -> AnyRun {
        try AnyRun(try await door.local("runs.open", ["token": token]).value(), door: door)
    }

    /// Sends a request to an endpoint that this package has no method for.
    ///
    /// - Parameters:
    ///   - method: The HTTP method, such as `GET`, `POST` or `PATCH`. Only `GET` and `HEAD` are retried after a
    ///     failure.
    ///   - path: The path below the base URL. It starts with exactly one `/`.
    ///   - query: The query parameters. An array repeats its parameter once for each element.
    ///   - body: The JSON body. If nil, the request has no body.
    ///   - options: Options for this call only.
    /// - Returns: The JSON of the response.
    /// - Throws: ``HightouchError``, or `CancellationError` if the task was cancelled.
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

    /// Returns the current state of the rate limit. Sends nothing.
    ///
    /// - Returns: The state of the limit that this client shares.
    /// - Throws: ``HightouchError`` of kind `closed` if the client is closed.
    public func stats() async throws -> LimitStats {
        try await door.local("client.stats").value()
    }

    /// Checks settings, the connection and the key. Accepts settings that ``init(apiKey:configuration:onStart:onEnd:)``
    /// rejects, and reports what is wrong with them.
    ///
    /// - Parameters:
    ///   - apiKey: The workspace's API key. If nil, the diagnosis reads `HIGHTOUCH_API_KEY`.
    ///   - configuration: Settings that differ from the defaults.
    /// - Returns: The findings, as the method ``diagnose()`` returns them.
    /// - Throws: ``HightouchError`` of kind `internal` if the package itself has a defect, or `CancellationError` if
    ///   the task was cancelled.
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

    /// Checks the connection and the key with one TLS handshake and one read. The read counts towards the rate limit.
    ///
    /// - Returns: The findings. A failed check is a finding and is not thrown.
    /// - Throws: ``HightouchError`` of kind `closed` if the client is closed, or `CancellationError` if the task was
    ///   cancelled.
    public func diagnose() async throws -> Diagnosis {
        try await door.call("client.diagnose").value()
    }

    /// Replaces the API key from the next request on. The state of the rate limit stays, because the limit belongs to
    /// the workspace.
    ///
    /// - Parameter apiKey: The new key.
    /// - Throws: ``HightouchError`` of kind `config` if `apiKey` cannot be a key; the client then keeps the old one.
    public func setAPIKey(_ apiKey: String) async throws {
        _ = try await door.local("client.setKey", ["apiKey": apiKey])
    }

    /// Closes the client. Calls in flight and later calls throw an error of kind `closed`, and a running `credentials`
    /// function is cancelled. You can call this method in a cancelled task, and more than once.
    ///
    /// - Throws: ``HightouchError`` of kind `internal` if the package itself has a defect.
    public func close() async throws {
        try await door.close()
    }

    /// The language in the User-Agent. A compiler directive can only test for a minimum version.
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
