/** What a client tells about itself. */

/** How the rate limit stands. */
export interface Stats {
  /** Requests that the API allows in a window. */
  limit: number
  /** Requests that are let through in a window now: fewer than `limit` after refusals. */
  allowed: number
  /** Requests handed over and not ended; those given up stay here for 5 s. */
  inFlight: number
  /** Requests that weigh on the last window: in flight, or ended within it. */
  used: number
  /** Requests that wait, by their class. */
  waiting: Waiting
  /** Milliseconds for which nothing is let through, after a refusal. */
  closedForMs: number
  /** Refusals (429) so far. */
  refused: number
  /** Requests let through so far, without those that never were sent. */
  granted: number
}

/** How many requests wait for the limit, by their class; while classes wait, they are served 8 : 4 : 2 : 1. */
export interface Waiting {
  /** Calls that start something. */
  trigger: number
  /** Looks at runs that are followed. */
  poll: number
  /** Other calls. */
  read: number
  /** Later pages of lists, and calls that were given this priority. */
  bulk: number
}

/** What {@link Hightouch.diagnose} found. */
export interface Diagnosis {
  /** Where requests are sent; absent where the settings do not say it. */
  baseUrl?: string
  /**
   * The proxy that requests go through, given or from the environment, without its credentials; absent where they go
   * to the server directly.
   */
  proxy?: string
  /**
   * What TLS negotiated with the server, through the proxy where there is one; absent over http, behind a proxy that
   * is itself spoken to over TLS, or where no connection could be made.
   */
  tls?: Negotiated
  /** Whether a read with this key was answered. */
  ok: boolean
  /** What was found, in the order of the checks. */
  findings: Finding[]
  /** A report for people of all the rest, a line for each thing found. */
  text: string
}

/** What client and server agreed on. */
export interface Negotiated {
  /** `TLSv1_3` or `TLSv1_2`. */
  protocol: string
  /** Such as `TLS13_AES_256_GCM_SHA384`. */
  cipherSuite: string
  /** Such as `X25519MLKEM768`. */
  keyExchange: string
  /** `h2` or `http/1.1`; absent where the server chose none. */
  applicationProtocol?: string
}

/** One thing found. */
export interface Finding {
  /**
   * `ok`; or what is wrong: `no_key`, `malformed_key`, `bad_token`, `orphaned_creator`, `stripped_key`,
   * `key_function`, `key_changed`, `dns`, `proxy`,
   * `refused`, `not_tls`, `tls_version`, `tls_suites`, `unknown_ca`, `self_signed`, `wrong_host`,
   * `expired_certificate`, `future_certificate`, `quota_exhausted`; or the kind of another error. Later versions may
   * know more of them.
   */
  code: string
  /** What was seen. */
  message: string
  /** What to do about it. */
  advice?: string
}
