/** The client. */

import { rawCalls, ValueCalls } from './calls.js'
import { extraCertificates } from './certificates.js'
import { checkNames } from './checks.js'
import type { ApiKeyFunction } from './credentials.js'
import { Door } from './door.js'
import type { CallHooks } from './hooks.js'
import type { Json, JsonInput } from './json.js'
import type { JsonValue } from './jsontext.js'
import type { CallOptions } from './meta.js'
import type { ClientSettings } from './models.js'
import { INTERNAL_SETTINGS, SETTINGS } from './names.js'
import type { Diagnosis, Stats } from './reports.js'
import { Resources } from './resources.js'
import { handleOf, type AnyRunHandle, type RunRecord } from './runs.js'

/**
 * Who shares a rate limit: this process (`'process'`), this machine (`'host'`), or all processes that name the same
 * Redis or Valkey server by its URL.
 */
// With a plain `string`, editors would no longer suggest `'process'` and `'host'`.
export type LimitScope = 'process' | 'host' | (string & Record<never, never>)

/** Settings of a client, and its hooks. */
export interface HightouchOptions
  extends Omit<ClientSettings, 'apiKey' | 'caBundle' | 'limit' | 'limitScope'>, CallHooks {
  /**
   * The API key of the workspace, or a function that returns it; read from `HIGHTOUCH_API_KEY` by default.
   *
   * The function is called before the first request, and again when the server refuses the key (401). All requests that
   * are refused with the same key share one call of the function. If the function returns a different key, each refused
   * request is sent once more. The deadline of a call includes the time that the function takes. If the function fails,
   * the calls that need the key reject with an {@link AuthenticationError}. Its `code` is `key_function`, and its
   * `cause` is what the function threw. The function must not make calls with a client that has a key function. Such a
   * call could wait for the very key that the function is to return, so it rejects with the code `key_function` too.
   */
  apiKey?: string | ApiKeyFunction | undefined
  /**
   * The path of a PEM file, at most 16 MiB, with certificates to trust in addition to those of the system. The default
   * is the file that `NODE_EXTRA_CA_CERTS` names. If that file cannot be used, it is ignored with a process warning.
   */
  caBundle?: string | undefined
  /**
   * The rate limit of the workspace: how many requests (1 to 1,000,000) may be sent in how many seconds (0.001 to
   * 86,400); 200 requests in 10 seconds by default. The limit can be lowered or raised, but not turned off.
   */
  limit?: readonly [requests: number, seconds: number] | undefined
  /**
   * Who shares the rate limit. `host`: all processes of the same user on this host. `process`: the clients of this
   * process. The URL of a Redis or Valkey server: all processes, on any host, whose setting names this server. Read
   * from `HIGHTOUCH_LIMIT_SCOPE` by default, else `host`. In one process, the setting of a workspace's first client is
   * used.
   *
   * The URL is `redis://[user:password@]host[:port][/database]`. `rediss://` uses TLS and trusts `caBundle` too.
   * `redis+sentinel://host:port,host:port/service` asks Sentinels for the server. No error and no log shows the URL.
   */
  limitScope?: LimitScope | undefined
}

const HOOKS = ['onStart', 'onEnd'] as const satisfies (keyof CallHooks)[]

/** The query and the body for {@link Hightouch.request}. */
export interface RequestArgs {
  /** Query parameters. An array sends its parameter once for each item. A parameter that is `undefined` is left out. */
  query?: Record<string, string | number | boolean | (string | number | boolean)[] | undefined> | undefined
  /** The body, as any JSON value. By default the request has no body. */
  body?: JsonInput | undefined
}

/**
 * A client of the Hightouch REST API.
 *
 * By default the API key is read from `HIGHTOUCH_API_KEY`. Creating a client sends nothing. One client makes any number
 * of calls at the same time. All clients that use the same workspace share one rate limit; by default these are the
 * clients in all processes of the user on this host. The setting `limitScope` changes who shares the limit.
 *
 * ```ts
 * const ht = new Hightouch()
 * const run = await ht.syncs.trigger('orders-to-salesforce')
 * const result = await run.wait({ timeoutMs: 1_800_000 })
 * ```
 */
export class Hightouch extends Resources {
  readonly #door: Door

  /**
   * Creates a client. Sends nothing.
   *
   * @param options Settings and hooks. A setting that you leave out is read from the environment or has its default.
   * @throws {@link ConfigError} if a setting is missing, wrong or unknown.
   */
  constructor(options: HightouchOptions = {}) {
    checkNames('setting', options, [...SETTINGS, ...HOOKS], { hidden: INTERNAL_SETTINGS })
    const { apiKey, onStart, onEnd, ...settings } = options
    const keyFunction = typeof apiKey === 'function' ? apiKey : undefined
    const door = new Door(
      {
        environment: environment(),
        language: `node/${process.versions.node}`,
        ...timeScaleOf(settings.baseUrl ?? process.env.HIGHTOUCH_BASE_URL),
        ...settings,
        caBundle: settings.caBundle ?? extraCertificates(),
        ...(keyFunction ? {} : { apiKey }),
      },
      { onStart, onEnd },
      keyFunction,
    )
    super(new ValueCalls(door), rawCalls(door))
    this.#door = door
  }

  /**
   * Creates a client from settings, and checks the connection and the key like the method {@link Hightouch.diagnose} of
   * a client. If no client can be created, the reason is returned as a finding and not thrown.
   *
   * @param options Settings. A setting that you leave out is read from the environment or has its default.
   * @returns The findings, and what TLS negotiated.
   * @throws {@link ConfigError} if a setting is unknown.
   */
  static async diagnose(
    options: Omit<HightouchOptions, 'apiKey'> & { apiKey?: string | undefined } = {},
  ): Promise<Diagnosis> {
    // With this internal setting, the core accepts wrong settings, and the client can then only diagnose them.
    const diagnosing = { diagnosing: true, ...options }
    const client = new Hightouch(diagnosing)
    try {
      return await client.diagnose()
    } finally {
      await client.close()
    }
  }

  /**
   * Returns a handle of the run that a token names. Another process may have started the run, in any language. Sends
   * nothing.
   *
   * @param token The `token` of a run handle, or the `run` of an error.
   * @returns A handle of the run; its `kind` says which of the three types it has.
   * @throws {@link InvalidRequestError} if `token` is not the token of a run, or is for another server.
   */
  async run(token: string): Promise<AnyRunHandle> {
    return handleOf(this.#door, await this.#door.value<RunRecord>('runs.open', { token }))
  }

  /**
   * Sends a request for which this package has no method. The request has the same rate limit, retries and errors as
   * any other request.
   *
   * @param method The HTTP method: `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`. `GET` and `HEAD` count as reads,
   * and all others as changes.
   * @param path The path below the base URL, such as `/syncs`. It starts with exactly one `/` and contains no query.
   * @param args The query and the body.
   * @param options Options of this call.
   * @returns The JSON that the server sent; the JSON `null` if the server sent no body.
   * @throws {@link InvalidRequestError} if the method, the path, the query or an option is not allowed.
   * @throws {@link OutcomeUnknownError} if a change was sent, and whether it took effect is unknown.
   * @throws {@link HightouchError} if the request fails for another reason. Each kind of error has its own subclass.
   * @typeParam T The type of the JSON; it is not checked.
   */
  async request<T = JsonValue>(
    method: string,
    path: string,
    args: RequestArgs = {},
    options?: CallOptions,
  ): Promise<Json<T>> {
    checkNames('argument', args, ['query', 'body'], { call: { operation: 'request' } })
    const { query, body } = args
    return this.#door.json<T>('request', { method, path, query, body }, options)
  }

  /** Returns the state of the rate limit; its `scope` says who shares the limit. Sends nothing. */
  async stats(): Promise<Stats> {
    return this.#door.value<Stats>('client.stats')
  }

  /**
   * Checks the connection and the key. Makes one TLS handshake, and one request (`syncs.list`) that counts towards the
   * rate limit. A problem is returned as a finding and not thrown.
   *
   * @param options Only `signal`.
   * @returns The findings, and what TLS negotiated.
   */
  async diagnose(options: Pick<CallOptions, 'signal'> = {}): Promise<Diagnosis> {
    checkNames('option', options, ['signal'], { call: { operation: 'diagnose' } })
    return this.#door.value<Diagnosis>('client.diagnose', {}, options)
  }

  /**
   * Changes the API key. The next request uses the new key. If the client has a key function, the function is called
   * again only if the server refuses the new key.
   *
   * @param apiKey The new key. It must belong to the same workspace.
   * @throws {@link ConfigError} if the new key is malformed. The client then keeps its old key.
   */
  async setApiKey(apiKey: string): Promise<void> {
    await this.#door.value('client.setKey', { apiKey })
  }

  /**
   * Closes the client. Calls in progress and later calls reject with a {@link ClosedError}. A call in progress rejects
   * with an {@link OutcomeUnknownError} instead if a change may have been sent. The `wait` of a batch rejects with a
   * {@link RunFailedError}, whose `items` are the syncs that had not ended, each with such an error. Runs go on.
   */
  async close(): Promise<void> {
    await this.#door.close()
  }

  /** Closes the client at the end of an `await using` block, like {@link Hightouch.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** The global variable in which `hightouch-sandbox` keeps the time scale of each world, by the world's base URL. */
const TIME_SCALES = Symbol.for('hightouch-sdk.timeScales')

/**
 * Returns the time scale of the sandbox world at this base URL: the number by which a client divides its pauses. Empty
 * for any other URL.
 */
function timeScaleOf(baseUrl: string | undefined): { timeScale?: number } {
  const scales = (globalThis as { [TIME_SCALES]?: ReadonlyMap<string, number> })[TIME_SCALES]
  const timeScale = scales?.get(baseUrl ?? '')
  return timeScale === undefined ? {} : { timeScale }
}

/** The variables that configure a proxy. */
const PROXIES = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy', 'NO_PROXY', 'no_proxy']

/**
 * Returns the environment variables that the core needs. A worker thread can have its own environment, which the core
 * cannot see.
 */
function environment(): Record<string, string> {
  const ours = Object.keys(process.env).filter((name) => name.startsWith('HIGHTOUCH_'))
  // On Windows, `process.env` finds a variable in upper and in lower case, but lists only one of these names. So the
  // proxy variables are looked up by name.
  const set = [...ours, ...PROXIES].map((name) => [name, process.env[name]] as const)
  return Object.fromEntries(set.filter((entry): entry is [string, string] => entry[1] !== undefined))
}
