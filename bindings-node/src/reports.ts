/** What a client reports about itself. */

/** The state of the rate limit. */
export interface Stats {
  /** Requests that the API allows in one window. */
  limit: number
  /** Requests that the client allows in one window now: fewer than `limit` after the server refused requests. */
  allowed: number
  /** Requests that were sent and have not ended. A request that was given up counts for 5 more seconds. */
  inFlight: number
  /** Requests that count towards the current window: those in flight, and those that ended within it. */
  used: number
  /** Requests that wait for the limit, by class. */
  waiting: Waiting
  /** Milliseconds for which no request is sent, because the server refused one. */
  closedForMs: number
  /** Requests that the server refused (429) so far. */
  refused: number
  /** Requests that the limit let through so far, without those that were never sent. */
  granted: number
}

/** How many requests wait for the rate limit, by class. Classes that wait share the limit in the ratio 8 : 4 : 2 : 1. */
export interface Waiting {
  /** Calls that start something. */
  trigger: number
  /** Requests for the state of runs. */
  poll: number
  /** Other calls. */
  read: number
  /** Later pages of lists, and calls with the priority `bulk`. */
  bulk: number
}

/** The result of {@link Hightouch.diagnose}. */
export interface Diagnosis {
  /** The address of the API; absent if the settings contain no valid one. */
  baseUrl?: string
  /** The proxy for all requests, without its credentials; absent if there is none. */
  proxy?: string
  /**
   * What TLS negotiated with the server, also through a proxy; absent over http, behind a proxy that itself uses TLS, or
   * if no connection could be made.
   */
  tls?: Negotiated
  /** Whether a request with this key succeeded. */
  ok: boolean
  /** The findings, in the order of the checks. */
  findings: Finding[]
  /** A report for people that contains all the rest, with one line for each finding. */
  text: string
}

/** What the client and the server agreed on. */
export interface Negotiated {
  /** The TLS version: `TLSv1_3` or `TLSv1_2`. */
  protocol: string
  /** The cipher suite, such as `TLS13_AES_256_GCM_SHA384`. */
  cipherSuite: string
  /** The key exchange, such as `X25519MLKEM768`. */
  keyExchange: string
  /** `h2` or `http/1.1`; absent if the server chose none. */
  applicationProtocol?: string
}

/** One finding of a diagnosis. */
export interface Finding {
  /**
   * `ok`, or what is wrong: `no_key`, `malformed_key`, `bad_token`, `orphaned_creator`, `stripped_key`,
   * `key_function`, `key_changed`, `dns`, `proxy`, `refused`, `not_tls`, `tls_version`, `tls_suites`, `unknown_ca`,
   * `self_signed`, `wrong_host`, `expired_certificate`, `future_certificate`, `quota_exhausted`, or the kind of another
   * error. Later versions may add codes.
   */
  code: string
  /** What was found. */
  message: string
  /** What to do about it. */
  advice?: string
}
