import Foundation

/// A call that is about to be made.
///
/// These also count as one call each: fetching one page of a list, waiting for one change of a run, and one request of
/// a batch. Hooks get a request of a batch after the request has ended, in a task of the package.
public struct CallStart: Sendable, Hashable, Decodable {
    /// The id of the call: 32 hexadecimal digits. The ``CallEnd`` and the ``CallMeta`` of the call have the same id.
    /// All requests that the call needs share this id.
    public let callId: String
    /// The method, such as `syncs.list`; `run` for each step of a handle's `wait` or `states`.
    public let operation: String
    /// The operation's id in the API, such as `ListSync`; nil for methods that call no single operation.
    public let operationId: String?
    /// The resource of the call, such as `sync 7`; nil if the method is called on no resource.
    public let resource: String?
    /// The sync that the call is about: the id or the slug that the caller passed. A run handle passes the id.
    public let sync: String?
    /// The HTTP method, such as `GET`; nil if the call sends requests with several methods.
    public let httpMethod: String?
    /// The path below the base URL, such as `/syncs/{syncId}`; nil if the call has no fixed path.
    public let urlTemplate: String?
    /// The host name of the API, or of a gateway in front of the API.
    public let serverAddress: String?
    /// The port of the server.
    public let serverPort: Int?
    /// For a request that a batch has sent in the background: the id of the call `syncs.runMany` that started the
    /// batch; nil for every other call.
    public let batchCallId: String?
    /// When the call began, in milliseconds since 1970. For a request of a batch, the hooks are called only after the
    /// request has ended.
    public internal(set) var startedMs = 0
    /// The headers to send in addition to the headers of the client. At first, these are the headers in the option
    /// `headers` of the call. A hook may add headers, such as `traceparent`, and change or remove headers. All requests
    /// of the call send the headers that result. If a hook adds a header that the option may not contain, the call
    /// throws an error of kind `invalidRequest`, and nothing is sent. All requests of a batch send the headers of the
    /// call `syncs.runMany`. Changing the headers of a request of a batch has no effect.
    public var headers: [String: String] = [:]

    private enum CodingKeys: CodingKey {
        case callId, operation, operationId, resource, sync, httpMethod, urlTemplate, serverAddress, serverPort
        case batchCallId
    }
}

/// A call that has ended.
public struct CallEnd: Sendable {
    /// The id of the call, as in ``CallStart``.
    public let callId: String
    /// The method, as in ``CallStart``.
    public let operation: String
    /// The operation's id in the API, as in ``CallStart``.
    public let operationId: String?
    /// The resource of the call, as in ``CallStart``.
    public let resource: String?
    /// The sync that the call is about, as in ``CallStart``.
    public let sync: String?
    /// The call that started the batch, as in ``CallStart``.
    public let batchCallId: String?
    /// Statistics of the call. Nil if the call was rejected before it started, and for some errors of following a run,
    /// such as `waitTimeout`.
    public let meta: CallMeta?
    /// The error; nil if the call succeeded. For a cancelled call it is the ``HightouchError`` of kind `cancelled`,
    /// even if the call itself throws `CancellationError`.
    public let error: (any Error)?
}

extension CallEnd {
    init(of call: CallStart, meta: CallMeta?, error: (any Error)? = nil) {
        self.init(
            callId: call.callId, operation: call.operation, operationId: call.operationId, resource: call.resource,
            sync: call.sync, batchCallId: call.batchCallId, meta: meta, error: error)
    }
}

extension CallStart {
    /// Sets the time when the call began: `ago` milliseconds before now.
    mutating func began(ago: Int = 0) { startedMs = Int(Date().timeIntervalSince1970 * 1000) - ago }
}

/// An ended request of a batch, as it crosses the door.
struct ToldRequest: Decodable {
    let call: CallStart
    let meta: CallMeta
    let failure: HightouchError?

    private enum CodingKeys: CodingKey { case call, startedAgoMs, meta, failure }
    private struct Sent: Decodable { let headers: [String: String] }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        var call = try values.decode(CallStart.self, forKey: .call)
        call.headers = try values.decode(Sent.self, forKey: .call).headers
        call.began(ago: try values.decode(Int.self, forKey: .startedAgoMs))
        self.call = call
        meta = try values.decode(CallMeta.self, forKey: .meta)
        failure = try values.decodeIfPresent(HightouchError.self, forKey: .failure)
    }
}

struct Hooks: Sendable {
    var onStart: (@Sendable (inout CallStart) -> Void)?
    var onEnd: (@Sendable (CallEnd) -> Void)?

    var isEmpty: Bool { onStart == nil && onEnd == nil }
}
