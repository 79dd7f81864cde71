import Foundation

/// Why a call failed. Switch over `kind`; show `description` to people.
///
/// Holds no API key and no raw body.
///
/// A cancelled task throws Swift's `CancellationError` if nothing is left behind: no request that starts or changes
/// something had been sent, and no run was being followed. Otherwise it throws this error with the kind `cancelled`,
/// because `CancellationError` cannot carry what the caller has to know then: ``hint`` says that the request may have
/// taken effect or that the run goes on, ``run`` is the token of that run, and ``details`` holds the results so far of
/// a campaign. Both mean that the task was cancelled:
///
/// ```swift
/// do {
///     let run = try await ht.syncs.trigger("orders")
///     try await run.wait()
/// } catch is CancellationError {
///     // Nothing was started.
/// } catch let error as HightouchError where error.kind == .cancelled {
///     print(error.message, error.hint ?? "", error.run ?? "")
/// }
/// ```
public struct HightouchError: Error, Sendable, Hashable {
    /// What went wrong, from a closed set.
    public let kind: Kind
    /// The finer reason, if one is known, such as `bad_token`, `dns` or `key_function`; named like
    /// ``Diagnosis/Finding/code``. Later versions may know more of them.
    public let code: String?
    /// One sentence for people, never to be taken apart.
    public let message: String
    /// The HTTP status, where there was an answer.
    public let status: Int?
    /// What the server said beside its message; for `runFailed` the run.
    public let details: JSONValue?
    /// The vendor's name of the operation.
    public let operation: String?
    /// What the operation was about, such as `sync 7`.
    public let resource: String?
    /// How long the server asked to wait.
    public let retryAfter: Duration?
    /// What to do about it.
    public let hint: String?
    /// The errors beneath, outermost first.
    public let causes: [String]
    /// How the call went.
    public let meta: CallMeta?
    /// The token of the run that is concerned; `Hightouch.run(_:)` takes it up again.
    public let run: String?

    /// What ran, for the kind `runFailed`; nil for others.
    public internal(set) var runKind: RunKind?
    /// What a function of the user's threw, such as the one that gives the API key; it does not count for equality.
    public internal(set) var underlying: (any Error)? {
        get { cause.error }
        set { cause = Cause(error: newValue) }
    }

    private var cause: Cause

    /// The run as it ended, where a run of a sync failed; nil for others.
    public var syncRun: SyncRun? { state() }
    /// The run as it ended, where a run of a sequence failed; nil for others.
    public var sequenceRun: SequenceRun? { state() }
    /// The run as it ended, where a run of an identity graph failed; nil for others.
    public var identityGraphRun: IdentityGraphRun? { state() }

    private func state<State: RunState>() -> State? {
        guard kind == .runFailed, runKind == State.kind, let details else { return nil }
        return try? Coding.decoder().decode(State.self, from: Data(details.text.utf8))
    }

    init(_ kind: Kind, _ message: String, because error: (any Error)? = nil) {
        self.kind = kind
        self.message = message
        code = nil
        (status, details, operation, resource, retryAfter) = (nil, nil, nil, nil, nil)
        (hint, meta, run) = (nil, nil, nil)
        causes = error.map { ["\($0)"] } ?? []
        cause = Cause(error: error)
    }

    /// Whether it says no more than Swift's `CancellationError` does.
    var isMereCancellation: Bool { kind == .cancelled && hint == nil && run == nil && details == nil }
}

/// An error of any type beside fields that can be compared.
private struct Cause: Hashable, Sendable {
    let error: (any Error)?

    static func == (_: Cause, _: Cause) -> Bool { true }
    func hash(into _: inout Hasher) {}
}

extension HightouchError: CustomStringConvertible, LocalizedError {
    /// The kind, the message and the hint.
    public var description: String { "\(kind.rawValue): \(errorDescription ?? message)" }

    /// The message and the hint.
    public var errorDescription: String? {
        guard let hint else { return message }
        return "\(message) (\(hint))"
    }
}

extension HightouchError: Codable {
    private enum CodingKeys: String, CodingKey {
        case kind, code, message, status, details, operation, resource, retryAfterMs, hint, causes, meta, run, runKind
    }

    /// Reads what the core or ``encode(to:)`` has written.
    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        kind = try object.decode(Kind.self, forKey: .kind)
        code = try object.decodeIfPresent(String.self, forKey: .code)
        message = try object.decode(String.self, forKey: .message)
        status = try object.decodeIfPresent(Int.self, forKey: .status)
        details = try object.decodeIfPresent(JSONValue.self, forKey: .details)
        operation = try object.decodeIfPresent(String.self, forKey: .operation)
        resource = try object.decodeIfPresent(String.self, forKey: .resource)
        retryAfter = try object.decodeIfPresent(Int64.self, forKey: .retryAfterMs).map { .milliseconds($0) }
        hint = try object.decodeIfPresent(String.self, forKey: .hint)
        causes = try object.decodeIfPresent([String].self, forKey: .causes) ?? []
        meta = try object.decodeIfPresent(CallMeta.self, forKey: .meta)
        run = try object.decodeIfPresent(String.self, forKey: .run)
        runKind = try object.decodeIfPresent(RunKind.self, forKey: .runKind)
        cause = Cause(error: nil)
    }

    /// Writes all but ``underlying``.
    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(kind, forKey: .kind)
        try object.encodeIfPresent(code, forKey: .code)
        try object.encode(message, forKey: .message)
        try object.encodeIfPresent(status, forKey: .status)
        try object.encodeIfPresent(details, forKey: .details)
        try object.encodeIfPresent(operation, forKey: .operation)
        try object.encodeIfPresent(resource, forKey: .resource)
        try object.encodeIfPresent(retryAfter?.milliseconds, forKey: .retryAfterMs)
        try object.encodeIfPresent(hint, forKey: .hint)
        try object.encode(causes, forKey: .causes)
        try object.encodeIfPresent(meta, forKey: .meta)
        try object.encodeIfPresent(run, forKey: .run)
        try object.encodeIfPresent(runKind, forKey: .runKind)
    }
}
