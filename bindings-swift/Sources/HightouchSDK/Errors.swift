import Foundation

/// The error that methods of this package throw.
///
/// Switch over ``kind`` to handle an error, and show ``message`` and ``hint`` to people. The error never contains the
/// API key or the raw body of a response.
///
/// A cancelled call throws Swift's `CancellationError` if it left nothing behind. It throws this error, with the kind
/// `cancelled`, if it had sent a request that starts or changes something, or if it was following a run. Then ``hint``
/// says what may have happened, ``run`` is the token of the run that the call was following, and ``details`` holds the
/// results of a campaign so far. To handle cancellation, catch both errors:
///
/// ```swift
/// do {
///     let run = try await ht.syncs.trigger("orders-to-salesforce")
///     try await run.wait()
/// } catch is CancellationError {
///     // No run was started.
/// } catch let error as HightouchError where error.kind == .cancelled {
///     print(error.message, error.hint ?? "", error.run ?? "")
/// }
/// ```
public struct HightouchError: Error, Sendable, Hashable {
    /// The kind of the error. The set of kinds is closed.
    public let kind: Kind
    /// A more specific code within the kind, such as `bad_token`, `dns` or `key_function`; nil if there is none.
    /// ``Diagnosis/Finding/code`` lists the codes. Later versions may add codes.
    public let code: String?
    /// A sentence that tells people what happened. Its wording may change; do not parse it.
    public let message: String
    /// The HTTP status; nil if the server did not respond.
    public let status: Int?
    /// Further data; nil if there is none. Usually the server sent the data, such as the reasons of a `validation`
    /// error. For `runFailed`, the data is the final state of the run or, for a batch, the items that did not succeed;
    /// ``syncRun`` and ``items`` decode this data. For `outcomeUnknown`, the data may contain the runs that a
    /// trigger may have started (`candidates`), or what is known about each recipient of a campaign (`results`).
    public let details: JSONValue?
    /// The method, such as `syncs.get`; nil if the error belongs to no call of a method.
    public let operation: String?
    /// The operation's id in the API, such as `GetSync`; nil for methods that call no single operation.
    public let operationId: String?
    /// The resource of the call, such as `sync 7`; nil if there is none.
    public let resource: String?
    /// How long to wait before another attempt, as the server asked or as the rate limit requires; nil if unknown.
    public let retryAfter: Duration?
    /// A sentence that tells people what to do; nil if there is nothing to add to the message.
    public let hint: String?
    /// The messages of the errors that led to this error, outermost first.
    public let causes: [String]
    /// Statistics of the call. Nil if the call was rejected before it started, and for some errors of a wait for a run,
    /// such as `waitTimeout`.
    public let meta: CallMeta?
    /// The token of the run that the error is about; nil if there is none. ``Hightouch/run(_:)`` opens the run.
    public let run: String?
    /// Why the run did not succeed, and what to do, if the kind is `runFailed` and the error is about one run;
    /// otherwise nil. In the error of a batch, the state of each of the ``items`` has its own problem.
    public let problem: RunProblem?

    /// The kind of the run, for errors of kind `runFailed`; otherwise nil.
    public internal(set) var runKind: RunKind?
    /// If the error comes from a ``SyncBatch`` and the kind is `runFailed`: the items that did not succeed. If the kind
    /// is `cancelled`: the items with runs that go on. Otherwise empty.
    public internal(set) var items: [BatchItem] = []
    /// The Swift error that caused this error, such as the error that the `credentials` function threw; otherwise nil.
    /// `==` ignores this property.
    public internal(set) var underlying: (any Error)? {
        get { cause.error }
        set { cause = Cause(error: newValue) }
    }

    private var cause: Cause

    /// The final state of the run, if the error has the kind `runFailed` and is about a sync; otherwise nil.
    public var syncRun: SyncRun? { state() }
    /// The final state of the run, if the error has the kind `runFailed` and is about a sequence; otherwise nil.
    public var sequenceRun: SequenceRun? { state() }
    /// The final state of the run, if the error has the kind `runFailed` and is about an identity graph; otherwise
    /// nil.
    public var identityGraphRun: IdentityGraphRun? { state() }

    private func state<State: RunState>() -> State? {
        guard kind == .runFailed, runKind == State.kind, let details else { return nil }
        return try? Coding.decoder().decode(State.self, from: Data(details.text.utf8))
    }

    /// Creates an error, for example for a test.
    ///
    /// - Parameters:
    ///   - kind: The kind.
    ///   - message: What happened.
    ///   - hint: What to do about the error.
    ///   - error: The Swift error that caused the new error.
    public init(_ kind: Kind, _ message: String, hint: String? = nil, because error: (any Error)? = nil) {
        self.kind = kind
        self.message = message
        self.hint = hint
        code = nil
        (status, details, operation, operationId, resource) = (nil, nil, nil, nil, nil)
        (retryAfter, meta, run, problem) = (nil, nil, nil, nil)
        causes = error.map { ["\($0)"] } ?? []
        cause = Cause(error: error)
    }

    /// Whether the call was cancelled and left nothing behind. If true, `CancellationError` is thrown in place of this
    /// error.
    var isPlainCancellation: Bool { kind == .cancelled && hint == nil && run == nil && details == nil }
}

/// Holds an error of any type. All values are equal, so that a struct with a `Cause` can be `Hashable`.
private struct Cause: Hashable, Sendable {
    let error: (any Error)?

    static func == (_: Cause, _: Cause) -> Bool { true }
    func hash(into _: inout Hasher) {}
}

extension HightouchError: CustomStringConvertible, LocalizedError {
    /// The kind, the message and the hint.
    public var description: String { "\(kind): \(message)\(hint.map { " \($0)" } ?? "")" }

    /// The same as ``message``.
    public var errorDescription: String? { message }

    /// The ``causes`` on one line; nil if there are none.
    public var failureReason: String? { causes.isEmpty ? nil : causes.joined(separator: ": ") }

    /// The same as ``hint``.
    public var recoverySuggestion: String? { hint }
}

extension HightouchError: Codable {
    private enum CodingKeys: String, CodingKey {
        case kind, code, message, status, details, operation, operationId, resource, retryAfterMs, hint, causes, meta,
            run, problem
        case runKind, items
    }

    /// Decodes what ``encode(to:)`` wrote.
    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        kind = try object.decode(Kind.self, forKey: .kind)
        code = try object.decodeIfPresent(String.self, forKey: .code)
        message = try object.decode(String.self, forKey: .message)
        status = try object.decodeIfPresent(Int.self, forKey: .status)
        details = try object.decodeIfPresent(JSONValue.self, forKey: .details)
        operation = try object.decodeIfPresent(String.self, forKey: .operation)
        operationId = try object.decodeIfPresent(String.self, forKey: .operationId)
        resource = try object.decodeIfPresent(String.self, forKey: .resource)
        retryAfter = try object.decodeIfPresent(Int64.self, forKey: .retryAfterMs).map { .milliseconds($0) }
        hint = try object.decodeIfPresent(String.self, forKey: .hint)
        causes = try object.decodeIfPresent([String].self, forKey: .causes) ?? []
        meta = try object.decodeIfPresent(CallMeta.self, forKey: .meta)
        run = try object.decodeIfPresent(String.self, forKey: .run)
        problem = try object.decodeIfPresent(RunProblem.self, forKey: .problem)
        runKind = try object.decodeIfPresent(RunKind.self, forKey: .runKind)
        items = try object.decodeIfPresent([BatchItem].self, forKey: .items) ?? []
        cause = Cause(error: nil)
    }

    /// Encodes everything except ``underlying``.
    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(kind, forKey: .kind)
        try object.encodeIfPresent(code, forKey: .code)
        try object.encode(message, forKey: .message)
        try object.encodeIfPresent(status, forKey: .status)
        try object.encodeIfPresent(details, forKey: .details)
        try object.encodeIfPresent(operation, forKey: .operation)
        try object.encodeIfPresent(operationId, forKey: .operationId)
        try object.encodeIfPresent(resource, forKey: .resource)
        try object.encodeIfPresent(retryAfter?.milliseconds, forKey: .retryAfterMs)
        try object.encodeIfPresent(hint, forKey: .hint)
        try object.encode(causes, forKey: .causes)
        try object.encodeIfPresent(meta, forKey: .meta)
        try object.encodeIfPresent(run, forKey: .run)
        try object.encodeIfPresent(problem, forKey: .problem)
        try object.encodeIfPresent(runKind, forKey: .runKind)
        try object.encodeIfPresent(items.isEmpty ? nil : items, forKey: .items)
    }
}
