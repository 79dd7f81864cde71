import Foundation

/// Why a call failed. Switch over `kind`; show `description` to people.
///
/// Holds no API key and no raw body. A task that was cancelled throws `CancellationError` instead.
public struct HightouchError: Error, Sendable, Hashable {
    /// What went wrong, from a closed set.
    public let kind: Kind
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

    /// The run as it ended, for the kind `runFailed`; nil for others.
    public var syncRun: SyncRun? {
        guard kind == .runFailed, let details, let json = try? Coding.encoder().encode(details) else { return nil }
        return try? Coding.decoder().decode(SyncRun.self, from: json)
    }

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
        (status, details, operation, resource, retryAfter) = (nil, nil, nil, nil, nil)
        (hint, causes, meta, run) = (nil, [], nil, nil)
    }
}

extension HightouchError: CustomStringConvertible, LocalizedError {
    /// The kind, the message and the hint.
    public var description: String { "\(kind.rawValue): \(errorDescription ?? message)" }

    public var errorDescription: String? {
        guard let hint else { return message }
        return "\(message) (\(hint))"
    }
}

extension HightouchError: Codable {
    private enum CodingKeys: String, CodingKey {
        case kind, message, status, details, operation, resource, retryAfterMs, hint, causes, meta, run
    }

    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        kind = try object.decode(Kind.self, forKey: .kind)
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
    }

    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(kind, forKey: .kind)
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
    }
}
