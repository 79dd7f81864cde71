import Foundation
internal import HightouchNative

/// The native client. Only this file imports the native module.
struct Native: Sendable {
    private let engine: Engine

    init(_ settings: Fields) throws {
        let encoder = Coding.encoder()
        // A number that JSON cannot express becomes one of these texts. The core refuses each of them as an invalid
        // setting.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do {
            engine = try Engine(settings: try settings.json(by: encoder))
        } catch {
            throw HightouchError(crossing: error)
        }
    }

    /// Makes one call. Cancelling the task closes the request in flight.
    ///
    /// - Throws: `HightouchError`, of kind `cancelled` if the task was cancelled.
    func call(_ op: String, _ arguments: Fields = [:], _ options: Fields = [:]) async throws -> Response {
        let cancel = Cancel()
        return try await withTaskCancellationHandler {
            try await response(op, arguments, options, cancel)
        } onCancel: {
            cancel.cancel()
        }
    }

    /// Makes a call that sends nothing. It ignores cancellation of the task, because users often call `close()` in a
    /// cancelled task.
    func local(_ op: String, _ arguments: Fields = [:], _ options: Fields = [:]) async throws -> Response {
        try await response(op, arguments, options, Cancel())
    }

    /// Returns the data that hooks get before a call begins.
    func announce(_ op: String, _ arguments: Fields) throws -> CallStart {
        do {
            return try read(CallStart.self, from: Data(try engine.announce(op: op, args: arguments.json()).utf8))
        } catch {
            throw HightouchError(crossing: error)
        }
    }

    private func response(
        _ op: String, _ arguments: Fields, _ options: Fields, _ cancel: Cancel
    ) async throws -> Response {
        let (args, opts) = (try arguments.json(), try options.json())
        let reply: Reply
        do {
            reply = try await engine.call(op: op, args: args, opts: opts, cancel: cancel)
        } catch {
            throw HightouchError(crossing: error)
        }
        guard reply.ok else { throw HightouchError(failure: reply.head) }
        return try Response(head: reply.head, body: reply.body, texts: reply.texts)
    }
}

extension Native {
    /// Asks the core why a run did not succeed. Sends nothing.
    static func problem(of run: some RunState) -> RunProblem? {
        // Neither `try` can fail: every run can be encoded as JSON, and the core accepts every run.
        guard let json = try? Coding.encoder().encode(run),
            let found = try? HightouchNative.local(op: "run.problem", args: String(decoding: json, as: UTF8.self))
        else { return nil }
        return try? Coding.decoder().decode(RunProblem?.self, from: Data(found.utf8))
    }
}

/// Calls a function of the core that needs no client.
///
/// - Throws: `HightouchError` of kind `invalidRequest` if the function refuses its arguments, or of kind `internal` if
///   the bridge to the core fails.
func callLocal<Result: Decodable>(_ op: String, _ arguments: some Encodable) throws -> Result {
    do {
        let args = String(decoding: try JSONEncoder().encode(arguments), as: UTF8.self)
        let result = try HightouchNative.local(op: op, args: args)
        return try JSONDecoder().decode(Result.self, from: Data(result.utf8))
    } catch BridgeError.Broken(let why) {
        throw HightouchError(.invalidRequest, why)
    } catch {
        throw HightouchError(crossing: error)
    }
}

/// Adds hooks, the credentials function and Swift's `CancellationError` to the native client. A client shares its door
/// with its lists and runs.
final class Door: Sendable {
    private let native: Native
    private let hooks: Hooks
    private let credentials: CredentialsProvider?
    /// The task that runs `credentials`. It captures the native client and not this door: a reference to the door would
    /// keep the door alive, and `deinit` would never cancel the task.
    private let serving: Task<Void, Never>?

    init(_ settings: Fields, credentials: CredentialsProvider? = nil, hooks: Hooks = Hooks()) throws {
        let native = try Native(settings)
        self.native = native
        self.hooks = hooks
        self.credentials = credentials
        // The task is detached, because the caller's credentials function must not inherit the task-local values and
        // the priority of the task that creates the client.
        serving = credentials.map { credentials in Task.detached { await credentials.serve(native) } }
    }

    deinit { serving?.cancel() }

    var hasHooks: Bool { !hooks.isEmpty }

    /// Calls the hooks for requests that the core has sent in the background.
    func tell(_ requests: [ToldRequest]) async {
        for request in requests {
            var start = request.call
            hooks.onStart?(&start)
            var error = request.failure
            if let failure = error { error = await completed(failure) }
            hooks.onEnd?(CallEnd(of: request.call, meta: request.meta, error: error))
        }
    }

    /// Makes one call. If `isCancellable` is true, cancelling the task closes the request in flight.
    ///
    /// - Throws: `HightouchError`, or `CancellationError` if the task was cancelled and the call certainly had no
    ///   effect on the server.
    func call(
        _ op: String, _ arguments: Fields = [:], _ options: Fields = [:], isCancellable: Bool = true
    ) async throws -> Response {
        let send = isCancellable ? native.call : native.local
        guard hasHooks else { return try await unhooked(op, arguments, options, by: send) }
        var start = try native.announce(op, arguments)
        start.began()
        start.headers = options.headers
        let announced = start
        hooks.onStart?(&start)
        var options = options
        options.set("callId", announced.callId)
        options.set("headers", start.headers)
        do {
            let response = try await send(op, arguments, marked(options))
            hooks.onEnd?(CallEnd(of: announced, meta: response.head.meta))
            return response
        } catch {
            let error = await completed(HightouchError(crossing: error))
            hooks.onEnd?(CallEnd(of: announced, meta: error.meta, error: error))
            throw error.isPlainCancellation ? CancellationError() : error
        }
    }

    private func unhooked(
        _ op: String, _ arguments: Fields, _ options: Fields,
        by send: (String, Fields, Fields) async throws -> Response
    ) async throws -> Response {
        do {
            return try await send(op, arguments, marked(options))
        } catch {
            let error = await completed(HightouchError(crossing: error))
            throw error.isPlainCancellation ? CancellationError() : error
        }
    }

    /// Makes a call without calling hooks. The call sends no request itself; an example is `batch.next`. If the task is
    /// cancelled, the error is of kind `cancelled`.
    func quiet(_ op: String, _ arguments: Fields) async throws -> Response {
        try await native.call(op, arguments)
    }

    /// Adds an option that tells the core whether the call comes from inside the credentials function.
    private func marked(_ options: Fields) -> Fields {
        var options = options
        options.set("inKeyFunction", CredentialsProvider.isRunning ? true : nil)
        return options
    }

    /// If the credentials function caused the error, adds the Swift error of the function. The core has only the
    /// message of that Swift error.
    func completed(_ error: HightouchError) async -> HightouchError {
        guard error.code == "key_function", !CredentialsProvider.isRunning else { return error }
        var error = error
        error.underlying = await credentials?.lastError
        return error
    }

    /// Makes a call that sends nothing and ignores cancellation of the task.
    func local(_ op: String, _ arguments: Fields = [:], _ options: Fields = [:]) async throws -> Response {
        try await native.local(op, arguments, marked(options))
    }

    /// Closes the native client, so that the calls in flight end. Then cancels the credentials function.
    func close() async throws {
        // The task is cancelled after the core has closed. Otherwise, calls that wait for a key would fail with the
        // error of the cancelled credentials function and not with `closed`.
        defer { serving?.cancel() }
        _ = try await local("client.close")
    }
}

/// The result of a call that succeeded.
struct Response {
    struct Head: Decodable {
        let meta: CallMeta
        let next: String?
        /// For a list of the runs of a sync: the id of the sync.
        let sync: Int?
        /// Present only for a call with the option `raw`.
        let answer: Answer?
    }

    /// The server's answer to a call with the option `raw`, without the body of the answer. If `failure` is nil, the
    /// answer has a value, which `RawHead` decodes.
    struct Answer: Decodable {
        let status: Int
        let headers: [String: String]
        let failure: HightouchError?
    }

    /// The head of a raw call. It contains the value, of the type `Value`, because the body has the bytes of the
    /// server.
    private struct RawHead<Value: Decodable>: Decodable {
        struct Answer: Decodable {
            let value: Value
        }

        let answer: Answer
    }

    let head: Head
    /// The JSON of the value, or the bytes of a raw answer.
    let body: Data
    /// The texts of the opaque JSON to which `body` refers; empty if `body` holds these texts itself.
    private let texts: Data
    private let headJSON: Data

    init(head: String, body: Data, texts: Data) throws {
        headJSON = Data(head.utf8)
        self.head = try read(Head.self, from: headJSON)
        self.body = body
        self.texts = texts
    }

    func value<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        guard head.answer != nil else { return try read(type, from: body, texts: texts) }
        return try read(RawHead<Value>.self, from: headJSON).answer.value
    }
}

/// Decodes JSON from the core. The package's types are generated from those of the core. So a failure is a defect of
/// the package, and the error has the kind `internal`.
private func read<Value: Decodable>(_ type: Value.Type, from json: Data, texts: Data = Data()) throws -> Value {
    let usual = try? DoorDecoder.decode(type, from: json, texts: texts)
    #if !DEBUG
        if let usual { return usual }
    #endif
    do {
        let value = try Coding.doorDecoder(texts: texts).decode(type, from: json)
        assert(usual.map { isEqual($0, value) } ?? true, "the decoders of the door read \(type) differently")
        return value
    } catch {
        throw HightouchError(.internal, "The core returned JSON that is not a \(type): \(error).")
    }
}

/// Whether two values are equal. Values of a type that cannot be compared count as equal.
private func isEqual<Value>(_ one: Value, _ other: Value) -> Bool {
    func equals<Known: Equatable>(_ one: Known) -> Bool { one == other as? Known }
    guard let one = one as? any Equatable else { return true }
    return equals(one)
}

extension HightouchError {
    fileprivate init(failure json: String) {
        do {
            self = try Coding.doorDecoder().decode(HightouchError.self, from: Data(json.utf8))
        } catch {
            self.init(.internal, "The core returned an error that cannot be decoded: \(error).")
        }
    }

    /// Converts an error that crossed the bridge: a refusal of the settings, or a defect such as a panic in the core.
    /// A `HightouchError` stays as it is.
    fileprivate init(crossing error: any Error) {
        switch error {
        case BridgeError.Refused(let failure): self.init(failure: failure)
        case let error as HightouchError: self = error
        default: self.init(.internal, "The bridge to the core failed: \(error).")
        }
    }
}
