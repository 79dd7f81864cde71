/// Statistics of a call, for logs.
public struct CallMeta: Codable, Hashable, Sendable {
    /// One HTTP request of a call.
    public struct Attempt: Codable, Hashable, Sendable {
        /// The HTTP status; nil if ``failure`` is set.
        public let status: Int?
        /// The kind of failure if no complete and readable response arrived; otherwise nil.
        public let failure: HightouchError.Kind?
        /// Time in milliseconds from the start of the call to the start of the attempt.
        public let atMs: Int
        /// Duration of the attempt in milliseconds, without the wait for the rate limit.
        public let ms: Int
    }

    /// A 429 response that lowered the rate limit for all who share the limit.
    public struct Cut: Codable, Hashable, Sendable {
        /// Requests per window that are allowed after the 429 response, until successful requests raise the number
        /// again.
        public let allowed: Int
        /// Time in milliseconds during which no client that shares the rate limit sends a request.
        public let closedMs: Int
    }

    /// A change in who shares the rate limit.
    public struct ScopeChange: Codable, Hashable, Sendable {
        /// Who shares the rate limit after the change.
        public let scope: LimitStats.Scope
        /// Why the rate limit is not shared as ``Configuration/limitScope`` asks; nil if the limit is shared again.
        public let fallback: String?
    }

    /// The id of the call: 32 hexadecimal digits. Hooks get the same id at the start and at the end of the call.
    /// All requests that the call needs share this id.
    public let callId: String
    /// The id of the call's own request. Each attempt sends this id as `X-Request-Id`. Other requests of the call, such
    /// as the look-up of a slug, have ids of their own.
    public let requestId: String
    /// The method, such as `syncs.get`; `run` for each step of a handle's `wait` or `states`.
    public let operation: String
    /// The operation's id in the API, such as `GetSync`; nil for methods that call no single operation.
    public let operationId: String?
    /// The resource of the call, such as `sync 7`; nil if the method is called on no resource.
    public let resource: String?
    /// The sync that the call is about: the id or the slug that the caller passed. A run handle passes the id.
    public let sync: String?
    /// Time in milliseconds that the call waited for the rate limit.
    public let waitedMs: Int
    /// Duration of the whole call in milliseconds, with all waiting and retries.
    public let durationMs: Int
    /// Paths of values that were missing or unusable in the response. The result has a default in place of each such
    /// value. An example is `3.plannedRows` for the fourth element of a list.
    public let mended: [String]
    /// All HTTP requests of the call, in order.
    public let attempts: [Attempt]
    /// The 429 responses to this call that lowered the rate limit; usually empty. Log each of these responses as a
    /// warning: another program uses the workspace without sharing the rate limit, or ``Configuration/limit`` is too
    /// high.
    public let cuts: [Cut]
    /// The changes in who shares the rate limit, if this call was the first to notice them; usually empty.
    public let scopeChanges: [ScopeChange]

    /// Creates statistics, for example for a test.
    public init(
        callId: String = "", requestId: String = "", operation: String = "", operationId: String? = nil,
        resource: String? = nil, sync: String? = nil, waitedMs: Int = 0, durationMs: Int = 0, mended: [String] = [],
        attempts: [Attempt] = [], cuts: [Cut] = [], scopeChanges: [ScopeChange] = []
    ) {
        (self.callId, self.requestId, self.operation, self.operationId) = (callId, requestId, operation, operationId)
        (self.resource, self.sync, self.waitedMs, self.durationMs) = (resource, sync, waitedMs, durationMs)
        (self.mended, self.attempts, self.cuts, self.scopeChanges) = (mended, attempts, cuts, scopeChanges)
    }
}

extension CallMeta {
    /// Decodes what `encode(to:)` wrote. ``callId``, ``operationId``, ``resource``, ``sync``, ``cuts`` and
    /// ``scopeChanges`` may be missing, because older versions did not write them.
    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        callId = try object.decodeIfPresent(String.self, forKey: .callId) ?? ""
        requestId = try object.decode(String.self, forKey: .requestId)
        operation = try object.decode(String.self, forKey: .operation)
        operationId = try object.decodeIfPresent(String.self, forKey: .operationId)
        resource = try object.decodeIfPresent(String.self, forKey: .resource)
        sync = try object.decodeIfPresent(String.self, forKey: .sync)
        waitedMs = try object.decode(Int.self, forKey: .waitedMs)
        durationMs = try object.decode(Int.self, forKey: .durationMs)
        mended = try object.decode([String].self, forKey: .mended)
        attempts = try object.decode([Attempt].self, forKey: .attempts)
        cuts = try object.decodeIfPresent([Cut].self, forKey: .cuts) ?? []
        scopeChanges = try object.decodeIfPresent([ScopeChange].self, forKey: .scopeChanges) ?? []
    }
}

extension CallMeta.Attempt {
    /// Decodes what `encode(to:)` wrote. ``atMs`` may be missing, because older versions did not write it.
    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        status = try object.decodeIfPresent(Int.self, forKey: .status)
        failure = try object.decodeIfPresent(HightouchError.Kind.self, forKey: .failure)
        atMs = try object.decodeIfPresent(Int.self, forKey: .atMs) ?? 0
        ms = try object.decode(Int.self, forKey: .ms)
    }
}

/// The state of the rate limit, for all who share it.
public struct LimitStats: Codable, Hashable, Sendable {
    /// The number of requests that are waiting for the rate limit, by their ``Priority``.
    public struct Waiting: Codable, Hashable, Sendable {
        /// Requests of the priority ``Priority/trigger``.
        public let trigger: Int
        /// Requests of the priority ``Priority/poll``.
        public let poll: Int
        /// Requests of the priority ``Priority/read``.
        public let read: Int
        /// Requests of the priority ``Priority/bulk``.
        public let bulk: Int
    }

    /// Who shares a rate limit at present.
    public struct Scope: RawRepresentable, Codable, Hashable, Sendable {
        /// The name of the scope.
        public let rawValue: String

        public init(rawValue: String) { self.rawValue = rawValue }

        /// The clients of this process.
        public static let process = Self(rawValue: "process")
        /// All processes of the same user on this host.
        public static let host = Self(rawValue: "host")
        /// All processes, on any host, that share the rate limit through the same Redis or Valkey server.
        public static let fleet = Self(rawValue: "fleet")
    }

    /// Who shares the rate limit at present.
    public let scope: Scope
    /// How many processes have used the rate limit within the last minute, this process included. Nil if no Redis or
    /// Valkey server keeps the limit, or if this server has not answered yet.
    public let members: Int?
    /// Why the rate limit is not shared at present although ``Configuration/limitScope`` asks for it; nil if nothing is
    /// wrong.
    public let fallback: String?
    /// The number of requests per window that ``Configuration/limit`` allows.
    public let limit: Int
    /// The number of requests per window that are allowed now. It is below ``limit`` if this process has only a share
    /// of the limit (``Configuration/share``), and for a while after a 429.
    public let allowed: Int
    /// Requests in flight. A request that the client gave up counts for as long as it may still reach the server.
    public let inFlight: Int
    /// Requests that count towards the current window: those in flight, and those that ended within the window.
    public let used: Int
    /// Requests of this process that are waiting for the rate limit.
    public let waiting: Waiting
    /// Waiting requests of all processes. Nil if no Redis or Valkey server keeps the rate limit, or if this server has
    /// not answered yet.
    public let waitingTotal: Int?
    /// Time in milliseconds until requests are sent again after a 429; 0 if there is no such pause.
    public let closedForMs: Int
    /// Requests of this process that the server has rejected with 429 so far.
    public let refused: Int
    /// How often a 429 has lowered ``allowed`` so far, including a 429 that another process received. Later successful
    /// requests raise ``allowed`` again.
    public let cuts: Int
    /// Requests that this process has sent under this rate limit so far.
    public let granted: Int
}

/// The result of checking the settings, the connection and the API key.
public struct Diagnosis: Codable, Hashable, Sendable {
    /// The parameters that a TLS handshake negotiated.
    public struct TLS: Codable, Hashable, Sendable {
        /// The protocol version, `TLS 1.3` or `TLS 1.2`.
        public let `protocol`: String
        /// The cipher suite by its IANA name, such as `TLS_AES_256_GCM_SHA384`.
        public let cipherSuite: String
        /// The key exchange group, such as `X25519MLKEM768`.
        public let keyExchange: String
        /// The ALPN protocol, `h2` or `http/1.1`; nil if the server selected none.
        public let applicationProtocol: String?
    }

    /// The result of one check.
    public struct Finding: Codable, Hashable, Sendable {
        /// `ok`, or the code of a problem: `no_key`, `malformed_key`, `bad_token`, `orphaned_creator`, `stripped_key`,
        /// `key_function`, `key_changed`, `dns`, `proxy`, `refused`, `no_descriptors`, `not_tls`, `tls_version`,
        /// `tls_suites`, `unknown_ca`, `self_signed`, `wrong_host`, `expired_certificate`, `future_certificate`,
        /// `limit_not_shared` or `quota_exhausted`. For a failure without such a code, the kind of its error, such as
        /// `timeout`. ``HightouchError/code`` is one of these codes, or `checkpoint`. Later versions may add codes.
        public let code: String
        /// What the check found.
        public let message: String
        /// How to solve the problem; nil if there is nothing to do.
        public let advice: String?
    }

    /// The base URL of requests; nil if the settings contain no valid base URL.
    public let baseUrl: String?
    /// The proxy from the settings or the environment, without its credentials; nil if there is no proxy, or if no
    /// client can be created from the settings.
    public let proxy: String?
    /// The TLS parameters of the connection to the server, even if the connection goes through a proxy. Nil if the base
    /// URL is `http`, or if no connection could be made.
    public let tls: TLS?
    /// Whether a read with the API key of the settings succeeded.
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
