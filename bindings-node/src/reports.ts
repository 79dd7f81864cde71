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
  /** Where requests are sent. */
  baseUrl: string
  /** What TLS negotiated; absent over http, through a given proxy, or where no connection could be made. */
  tls?: Negotiated
  /** Whether a read with this key was answered. */
  ok: boolean
  /** What was found, in the order of the checks. */
  findings: Finding[]
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
  /** The kind of an error, or `ok`. */
  code: string
  /** What was seen. */
  message: string
  /** What to do about it. */
  advice?: string
}
