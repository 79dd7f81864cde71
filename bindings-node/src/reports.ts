/** What a client reports about itself. */

/** The state of the rate limit, for all who share it. */
export interface Stats {
  /**
   * Who shares the limit at present: `process`, the clients of this process; `host`, all processes of the same user on
   * this host; `fleet`, all processes, on any host, that share the limit through the same Redis or Valkey server.
   */
  scope: 'process' | 'host' | 'fleet'
  /**
   * How many processes have used the limit within the last minute, this process included. Null if no Redis or Valkey
   * server keeps the limit, or if the server has not answered yet.
   */
  members: number | null
  /** Why the limit is not shared at present although `limitScope` asks for a shared limit; null if nothing is wrong. */
  fallback: string | null
  /** Requests that the setting `limit` allows in one window. */
  limit: number
  /** Requests that may be sent in one window now: fewer than `limit` after refusals (429) or if `share` is set. */
  allowed: number
  /** Requests in progress. A request that was given up still counts for as long as it may reach the server. */
  inFlight: number
  /** Requests that count towards the last window: requests in progress, and requests that ended within the window. */
  used: number
  /** Requests of this process that wait for the rate limit. */
  waiting: Waiting
  /**
   * Waiting requests of all processes, if a Redis or Valkey server keeps the limit and has answered; null otherwise.
   */
  waitingTotal: number | null
  /** Milliseconds until requests are sent again after a refusal (429); 0 if there is no such pause. */
  closedForMs: number
  /** Requests of this process that the server has refused so far because of its rate limit (429). */
  refused: number
  /**
   * How often refusals (429) have lowered `allowed` so far, including refusals to other processes that share the limit.
   * Later successes raise `allowed` again.
   */
  cuts: number
  /** Requests that this process has sent so far. */
  granted: number
}

/** How many requests wait for the rate limit, by priority. Priorities share the limit in the ratio 8 : 4 : 2 : 1. */
export interface Waiting {
  /** Requests that start something, and calls with the priority `trigger`. */
  trigger: number
  /** Requests for the state of runs, and calls with the priority `poll`. */
  poll: number
  /** All other requests. */
  read: number
  /** Later pages of lists, and calls with the priority `bulk`. */
  bulk: number
}

/** The result of {@link Hightouch.diagnose}. */
export interface Diagnosis {
  /** The address of the API; absent if the settings contain no valid address. */
  baseUrl?: string
  /** The proxy for all requests, without its credentials; absent if no proxy is used. */
  proxy?: string
  /**
   * What TLS negotiated with the server, through the proxy if there is one. Absent over http, and if no
   * connection could be made.
   */
  tls?: Negotiated
  /** Whether a request with the API key of the client succeeded. */
  ok: boolean
  /** The findings, in the order of the checks. */
  findings: Finding[]
  /** A report for people: the members above, and a line for each finding. */
  text: string
}

/** The result of a TLS handshake. */
export interface Negotiated {
  /** The TLS version: `TLS 1.3` or `TLS 1.2`. */
  protocol: string
  /** The cipher suite by its IANA name, such as `TLS_AES_256_GCM_SHA384`. */
  cipherSuite: string
  /** The key exchange, such as `X25519MLKEM768`. */
  keyExchange: string
  /** The HTTP version: `h2` or `http/1.1`; absent if the server chose neither. */
  applicationProtocol?: string
}

/** One finding of a diagnosis. */
export interface Finding {
  /**
   * `ok`, or what is wrong: `no_key`, `malformed_key`, `bad_token`, `orphaned_creator`, `stripped_key`,
   * `key_function`, `key_changed`, `dns`, `proxy`, `refused`, `no_descriptors`, `not_tls`, `tls_version`,
   * `tls_suites`, `unknown_ca`, `self_signed`, `wrong_host`, `expired_certificate`, `future_certificate`,
   * `limit_not_shared`, `quota_exhausted`; or the kind of an error that has no code. The `code` of an
   * error is one of these, or `checkpoint`. Later versions may add codes.
   */
  code: string
  /** What was found. */
  message: string
  /** What to do about the finding; absent if there is no advice. */
  advice?: string
}
