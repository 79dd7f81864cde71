/// A client of the Hightouch REST API.
///
/// ```swift
/// let ht = try Hightouch()  // HIGHTOUCH_API_KEY
/// let run = try await ht.syncs.trigger("orders-to-salesforce")
/// let result = try await run.wait(timeout: .seconds(1800))
/// ```
///
/// One client serves any number of tasks at once. By default, all clients of one workspace in all processes of the user
/// on this host share the rate limit. ``Configuration/limitScope`` changes who shares the limit. A client retries a
/// request only if the request is safe to repeat.
///
/// Methods throw ``HightouchError``. Cancelling the task closes the request in flight. The method then throws
/// `CancellationError`, or a ``HightouchError`` of kind `cancelled` if a request may have started or changed something
/// or if the method was following a run. If the task was waiting for a ``SyncBatch`` with runs that continue, the error
/// has the kind `cancelled`, and its ``HightouchError/items`` name these runs.
public final class Hightouch: Sendable {
    let door: Door

    /// Creates a client. Reads the files that the settings name, and sends nothing.
    ///
    /// - Parameters:
    ///   - apiKey: The workspace's API key. If nil, the client reads the key from ``Configuration/apiKeyFile``, or else
    ///     from the environment variable `HIGHTOUCH_API_KEY`.
    ///   - configuration: Settings that differ from the defaults.
    ///   - onStart: Called before each call that may send a request, in the task that makes the call. The
    ///     function may change the ``CallStart/headers`` that the call sends.
    ///   - onEnd: Called after each call for which `onStart` is called, whether the call succeeded or failed.
    /// - Throws: ``HightouchError`` of kind `config` if there is no usable key, a setting is invalid, or both `apiKey` and
    ///   ``Configuration/apiKeyFile`` are given.
    public convenience init(
        apiKey: String? = nil,
        configuration: Configuration = Configuration(),
        onStart: (@Sendable (inout CallStart) -> Void)? = nil,
        onEnd: (@Sendable (CallEnd) -> Void)? = nil
    ) throws {
        var settings = configuration.fields
        settings.set("apiKey", apiKey)
        try self.init(settings: settings, hooks: Hooks(onStart: onStart, onEnd: onEnd))
    }

    /// Creates a client that gets its API key from a function. Reads the files that the settings name, sends nothing,
    /// and does not call the function yet.
    ///
    /// The client calls the function before the first request. It calls the function again if the server rejects the
    /// key (401), once for all requests that the server rejected with that key. If the function returns a different
    /// key, the client sends each of those requests once more.
    ///
    /// A call's deadline includes the time that the function takes. The function must not use this client: a call of
    /// this client inside the function throws an error of kind `authentication`. To fetch the key through the API,
    /// create a second client that has an `apiKey`.
    ///
    /// - Parameters:
    ///   - credentials: Returns the workspace's API key. If the function throws or returns an invalid key, the calls
    ///     that are waiting for the key throw an error of kind `authentication` with the code `key_function`. The
    ///     property ``HightouchError/underlying`` of that error is the error that the function threw, or says why the
    ///     key is invalid. Cancelling one of those calls does not cancel the function. ``close()`` cancels the
    ///     function. Releasing the client and everything created from the client also cancels the function.
    ///   - configuration: Settings that differ from the defaults. They must not name a key file.
    ///   - onStart: Called before each call that may send a request, in the task that makes the call. The
    ///     function may change the ``CallStart/headers`` that the call sends.
    ///   - onEnd: Called after each call for which `onStart` is called, whether the call succeeded or failed.
    /// - Throws: ``HightouchError`` of kind `config` if a setting is invalid or names a key file.
    public convenience init(
        credentials: @escaping @Sendable () async throws -> String,
        configuration: Configuration = Configuration(),
        onStart: (@Sendable (inout CallStart) -> Void)? = nil,
        onEnd: (@Sendable (CallEnd) -> Void)? = nil
    ) throws {
        try self.init(
            settings: configuration.fields, credentials: CredentialsProvider(credentials),
            hooks: Hooks(onStart: onStart, onEnd: onEnd))
    }

    /// Creates a client. `internal` holds settings that ``Configuration`` does not have, for `diagnose` and for tests.
    init(
        settings: Fields, credentials: CredentialsProvider? = nil, hooks: Hooks = Hooks(),
        internal: [String: JSONValue] = [:]
    ) throws {
        var settings = settings
        settings.set("timeScale", TimeScales.scale(at: settings.baseURL))
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
    /// - Throws: ``HightouchError`` of kind `invalidRequest` if `token` is not the token of a run or belongs to another
    ///   server, and of kind `closed` if the client is closed.
    public func run(_ token: String) async throws -> AnyRun {
        try AnyRun(try await door.local("runs.open", ["token": token]).value(), door: door)
    }

    /// Sends a request to an endpoint that this package has no method for.
    ///
    /// - Parameters:
    ///   - method: `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`. The client treats `GET` and `HEAD` as reads. Any
    ///     other method counts as a change, which the client repeats only if the first request certainly had no effect.
    ///   - path: The path below the base URL. It starts with exactly one `/`, and contains no query, no fragment and no
    ///     `.` or `..` segments.
    ///   - query: The query parameters: strings, numbers, Booleans, or arrays of those. An array repeats its parameter
    ///     once for each element.
    ///   - body: The JSON body. If nil, the request has no body.
    ///   - options: Options for this call only.
    /// - Returns: The JSON of the response; `null` if the response is empty.
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

    /// Returns the current state of the rate limit. Sends nothing, and also works after the client is closed.
    ///
    /// - Returns: The state of the limit. Its ``LimitStats/scope`` says who shares the limit.
    /// - Throws: ``HightouchError`` of kind `internal` if the package itself has a defect.
    public func stats() async throws -> LimitStats {
        try await door.local("client.stats").value()
    }

    /// Checks settings, the connection and the API key. Settings that ``init(apiKey:configuration:onStart:onEnd:)``
    /// rejects are accepted here, and a finding says what is wrong with them.
    ///
    /// - Parameters:
    ///   - apiKey: The workspace's API key. If nil, the diagnosis reads the key from ``Configuration/apiKeyFile``, or
    ///     else from the environment variable `HIGHTOUCH_API_KEY`.
    ///   - configuration: Settings that differ from the defaults.
    /// - Returns: The diagnosis, like that of the method ``diagnose()``.
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

    /// Checks the connection and the API key with one TLS handshake and one read. The read counts towards the rate
    /// limit.
    ///
    /// - Returns: The diagnosis. A check that fails becomes a finding and throws nothing.
    /// - Throws: ``HightouchError`` of kind `closed` if the client is closed, or `CancellationError` if the task was
    ///   cancelled.
    public func diagnose() async throws -> Diagnosis {
        try await door.call("client.diagnose").value()
    }

    /// Replaces the API key by another key of the same workspace, from the next request on. The state of the rate limit
    /// stays, because the limit belongs to the workspace.
    ///
    /// - Parameter apiKey: The new key.
    /// - Throws: ``HightouchError`` of kind `config` if `apiKey` cannot be a key; the client then keeps the old key.
    ///   The kind is `closed` if the client is closed.
    public func setAPIKey(_ apiKey: String) async throws {
        _ = try await door.local("client.setKey", ["apiKey": apiKey])
    }

    /// Closes the client. Calls in flight and later calls throw an error of kind `closed`. But a call that may already
    /// have changed something throws an error of kind `outcomeUnknown`. Runs continue, and a running `credentials`
    /// function is cancelled. You can call this method in a cancelled task, and more than once.
    ///
    /// - Throws: ``HightouchError`` of kind `internal` if the package itself has a defect.
    public func close() async throws {
        try await door.close()
    }

    /// The language and its version in the header `User-Agent`. Each version has a branch, because a compiler directive
    /// can compare the version but not insert it into a string.
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
