/// How a call went, for logs.
public struct CallMeta: Codable, Hashable, Sendable {
    /// One request of a call.
    public struct Attempt: Codable, Hashable, Sendable {
        /// The HTTP status, where there was an answer.
        public let status: Int?
        /// The kind of the failure, where there was none.
        public let failure: HightouchError.Kind?
        /// How long it took, in milliseconds.
        public let ms: Int
    }

    /// A refusal (429) of this call that lowered the limit for all calls of the workspace.
    public struct Cut: Codable, Hashable, Sendable {
        /// Requests that a window may hold after it.
        public let allowed: Int
        /// For how long nothing is let through after it, in milliseconds.
        public let closedMs: Int
    }

    /// Ours; sent as `X-Request-Id` with every attempt.
    public let requestId: String
    /// The vendor's name of the operation.
    public let operation: String
    /// How long it waited for the limit, in milliseconds.
    public let waitedMs: Int
    /// How long it took, with all its waiting and attempts, in milliseconds.
    public let durationMs: Int
    /// Where the answer had to be mended, such as `data.3.plannedRows`.
    public let mended: [String]
    /// The requests that were made.
    public let attempts: [Attempt]
    /// Refusals of this call that lowered the limit; usually empty. Each is worth a warning in a log: another client of
    /// the workspace takes its share, or ``Configuration/limit`` is too high.
    public let cuts: [Cut]
}

extension CallMeta {
    /// Reads what the core or `encode(to:)` has written; older versions wrote no ``cuts``.
    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        requestId = try object.decode(String.self, forKey: .requestId)
        operation = try object.decode(String.self, forKey: .operation)
        waitedMs = try object.decode(Int.self, forKey: .waitedMs)
        durationMs = try object.decode(Int.self, forKey: .durationMs)
        mended = try object.decode([String].self, forKey: .mended)
        attempts = try object.decode([Attempt].self, forKey: .attempts)
        cuts = try object.decodeIfPresent([Cut].self, forKey: .cuts) ?? []
    }
}

/// The state of the limit that this client shares with all others of the same key and origin in this process.
public struct LimitStats: Codable, Hashable, Sendable {
    /// Calls that wait for the limit, by their class.
    public struct Waiting: Codable, Hashable, Sendable {
        /// Starting something.
        public let trigger: Int
        /// Looking after runs.
        public let poll: Int
        /// Reading.
        public let read: Int
        /// Reading much.
        public let bulk: Int
    }

    /// Requests that a window may hold, as configured.
    public let limit: Int
    /// Requests that a window may hold now: fewer than `limit` for a while after a refusal.
    public let allowed: Int
    /// Requests on their way.
    public let inFlight: Int
    /// Requests that count towards the present window.
    public let used: Int
    /// Calls that wait.
    public let waiting: Waiting
    /// For how long nothing is let through after a refusal, in milliseconds.
    public let closedForMs: Int
    /// Requests that the server refused with 429.
    public let refused: Int
    /// Requests that were let through.
    public let granted: Int
}

/// What stands between this client and the API.
public struct Diagnosis: Codable, Hashable, Sendable {
    /// What a TLS handshake agreed on, by the names of the IANA registries.
    public struct TLS: Codable, Hashable, Sendable {
        /// `TLSv1_3` or `TLSv1_2`.
        public let `protocol`: String
        /// Such as `TLS13_AES_256_GCM_SHA384`.
        public let cipherSuite: String
        /// Such as `X25519MLKEM768`.
        public let keyExchange: String
        /// `h2` or `http/1.1`; nil where the server chose none.
        public let applicationProtocol: String?
    }

    /// One thing that was found.
    public struct Finding: Codable, Hashable, Sendable {
        /// `ok`; or what is wrong: `no_key`, `malformed_key`, `bad_token`, `orphaned_creator`, `stripped_key`,
        /// `key_function`, `key_changed`, `dns`, `proxy`, `refused`, `not_tls`, `tls_version`, `tls_suites`, `unknown_ca`, `self_signed`, `wrong_host`,
        /// `expired_certificate`, `future_certificate`, `quota_exhausted`; or the kind of another error. Later versions
        /// may know more of them.
        public let code: String
        /// What was seen.
        public let message: String
        /// What to do about it.
        public let advice: String?
    }

    /// Where requests go; nil where the settings do not say it.
    public let baseUrl: String?
    /// The proxy that requests go through, given or from the environment, without its credentials; nil where they go to
    /// the server directly.
    public let proxy: String?
    /// What was negotiated with the server, through the proxy where there is one; nil without TLS, behind a proxy that is
    /// itself spoken to over TLS, or where no connection could be made.
    public let tls: TLS?
    /// Whether a read with this key was answered.
    public let ok: Bool
    /// What was found, in the order of the checks.
    public let findings: [Finding]
    /// A report for people of all the rest, a line for each thing found.
    public let text: String
}

extension Diagnosis: CustomStringConvertible {
    /// ``text``.
    public var description: String { text }
}
