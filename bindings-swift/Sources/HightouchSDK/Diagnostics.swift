/// Statistics of a call, for logs.
public struct CallMeta: Codable, Hashable, Sendable {
    /// One HTTP request of a call.
    public struct Attempt: Codable, Hashable, Sendable {
        /// The HTTP status; nil if no response arrived.
        public let status: Int?
        /// The kind of failure; nil if a response arrived.
        public let failure: HightouchError.Kind?
        /// Duration of the attempt in milliseconds.
        public let ms: Int
    }

    /// A 429 response to this call that lowered the rate limit for all calls of the workspace.
    public struct Cut: Codable, Hashable, Sendable {
        /// Requests per window that the client allows from then on.
        public let allowed: Int
        /// Time in milliseconds during which the client then sends nothing.
        public let closedMs: Int
    }

    /// The id that the client created for the call and sent as `X-Request-Id` with every attempt.
    public let requestId: String
    /// The method, such as `syncs.get`.
    public let operation: String
    /// The operation's id in the API, such as `GetSync`; nil for methods that call no single operation.
    public let operationId: String?
    /// The resource of the call, such as `sync 7`; nil for methods without one.
    public let resource: String?
    /// Time in milliseconds that the call waited for the rate limit.
    public let waitedMs: Int
    /// Duration of the whole call in milliseconds, with all waiting and retries.
    public let durationMs: Int
    /// Paths of values in the response that did not have the documented type and were corrected, such as
    /// `data.3.plannedRows`.
    public let mended: [String]
    /// The HTTP requests of the call, in order.
    public let attempts: [Attempt]
    /// The 429 responses to this call that lowered the rate limit; usually empty. Log each one as a warning: another
    /// client is using the workspace's limit, or ``Configuration/limit`` is too high.
    public let cuts: [Cut]
}

extension CallMeta {
    /// Decodes what `encode(to:)` wrote. Older versions wrote no ``operationId``, ``resource`` and ``cuts``.
    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        requestId = try object.decode(String.self, forKey: .requestId)
        operation = try object.decode(String.self, forKey: .operation)
        operationId = try object.decodeIfPresent(String.self, forKey: .operationId)
        resource = try object.decodeIfPresent(String.self, forKey: .resource)
        waitedMs = try object.decode(Int.self, forKey: .waitedMs)
        durationMs = try object.decode(Int.self, forKey: .durationMs)
        mended = try object.decode([String].self, forKey: .mended)
        attempts = try object.decode([Attempt].self, forKey: .attempts)
        cuts = try object.decodeIfPresent([Cut].self, forKey: .cuts) ?? []
    }
}

/// The state of the rate limit. All clients of the same key and origin in this process share it.
public struct LimitStats: Codable, Hashable, Sendable {
    /// The number of calls that are waiting for the rate limit, by their ``Priority``.
    public struct Waiting: Codable, Hashable, Sendable {
        /// Calls that start runs.
        public let trigger: Int
        /// Calls that check on runs.
        public let poll: Int
        /// Reads.
        public let read: Int
        /// Bulk reads.
        public let bulk: Int
    }

    /// Configured number of requests per window.
    public let limit: Int
    /// Number of requests per window that the client currently allows. After a 429 it is below `limit` for a while.
    public let allowed: Int
    /// Requests in flight.
    public let inFlight: Int
    /// Requests that count towards the current window.
    public let used: Int
    /// Calls that are waiting for the rate limit.
    public let waiting: Waiting
    /// Time in milliseconds until the client sends again after a 429; 0 if it is not pausing.
    public let closedForMs: Int
    /// Requests that the server rejected with 429.
    public let refused: Int
    /// Requests that the client has sent under this limit.
    public let granted: Int
}

/// The result of checking the settings, the connection and the key.
public struct Diagnosis: Codable, Hashable, Sendable {
    /// The parameters that a TLS handshake negotiated, with their IANA names.
    public struct TLS: Codable, Hashable, Sendable {
        /// The protocol version, `TLSv1_3` or `TLSv1_2`.
        public let `protocol`: String
        /// The cipher suite, such as `TLS13_AES_256_GCM_SHA384`.
        public let cipherSuite: String
        /// The key exchange group, such as `X25519MLKEM768`.
        public let keyExchange: String
        /// The ALPN protocol, `h2` or `http/1.1`; nil if the server selected none.
        public let applicationProtocol: String?
    }

    /// The result of one check.
    public struct Finding: Codable, Hashable, Sendable {
        /// `ok`, or the code of a problem: `no_key`, `malformed_key`, `bad_token`, `orphaned_creator`, `stripped_key`,
        /// `key_function`, `key_changed`, `dns`, `proxy`, `refused`, `not_tls`, `tls_version`, `tls_suites`,
        /// `unknown_ca`, `self_signed`, `wrong_host`, `expired_certificate`, `future_certificate` or `quota_exhausted`.
        /// For any other failure it is the kind of the error. Later versions may add codes.
        public let code: String
        /// What the check found.
        public let message: String
        /// How to solve the problem; nil if there is nothing to do.
        public let advice: String?
    }

    /// The base URL of requests; nil if the settings do not determine it.
    public let baseUrl: String?
    /// The proxy from the settings or the environment, without its credentials; nil if requests go to the server
    /// directly.
    public let proxy: String?
    /// The TLS parameters of the connection to the server. Nil if there is no TLS or no connection, or if the
    /// connection to the proxy itself uses TLS.
    public let tls: TLS?
    /// Whether a read with this key succeeded.
    public let ok: Bool
    /// The findings, in the order of the checks.
    public let findings: [Finding]
    /// A report for people, with one line for each finding.
    public let text: String
}

extension Diagnosis: CustomStringConvertible {
    /// The same as ``text``.
    public var description: String { text }
}
