/** The client. */

import { rawCalls, ValueCalls } from './calls.js'
import type { ApiKeyFunction } from './credentials.js'
import { Door } from './door.js'
import type { CallHooks } from './hooks.js'
import type { Json, JsonInput, JsonValue } from './json.js'
import type { CallOptions } from './meta.js'
import type { ClientSettings } from './models.js'
import type { Diagnosis, Stats } from './reports.js'
import { Resources } from './resources.js'
import { handleOf, type AnyRunHandle, type RunRecord } from './runs.js'

/** What a client may be made with. */
export interface HightouchOptions extends Omit<ClientSettings, 'apiKey'>, CallHooks {
  /**
   * The workspace's API key, or a function that gives it; read from `HIGHTOUCH_API_KEY` when left out.
   *
   * A function is asked before the first request, and again when the server refuses the key (401): once, however many
   * requests met that at the same time. A request is sent again once with a key that is another; with the same key the
   * refusal stands. The deadline of a call bounds its wait for a key. Where the function fails, calls reject with an
   * {@link AuthenticationError} whose `code` is `key_function` and whose `cause` is what it threw. Inside the function,
   * calls of a client whose key comes from a function reject likewise: they could wait for themselves.
   */
  apiKey?: string | ApiKeyFunction | undefined
}

/** What {@link Hightouch.request} sends. */
export interface RequestArgs {
  /** Query parameters; an array repeats its name. */
  query?: Record<string, string | number | boolean | (string | number | boolean)[] | undefined> | undefined
  /** Any JSON; left out, the request has no body. */
  body?: JsonInput | undefined
}

/**
 * The Hightouch REST API.
 *
 * Without options the key is taken from `HIGHTOUCH_API_KEY`. Making a client sends nothing; one client
 * serves any number of calls at once, and all clients of a process with the same key share one rate limit.
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
   * Makes a client; sends nothing.
   *
   * @param options Settings, the key and hooks; what is left out is read from the environment, or has its default.
   * @throws {@link ConfigError} when a setting is missing or wrong.
   */
  constructor(options: HightouchOptions = {}) {
    const { apiKey, onStart, onEnd, ...settings } = options
    const give = typeof apiKey === 'function' ? apiKey : undefined
    const door = new Door(
      {
        environment: environment(),
        language: `node/${process.versions.node}`,
        ...settings,
        ...(give ? {} : { apiKey }),
      },
      { onStart, onEnd },
      give,
    )
    super(new ValueCalls(door), rawCalls(door))
    this.#door = door
  }

  /**
   * Diagnoses a client of these settings, also where they make none: that is a finding then and no error. See the method
   * of the same name.
   *
   * @param options Settings; what is left out is read from the environment, or has its default.
   */
  static async diagnose(
    options: Omit<HightouchOptions, 'apiKey'> & { apiKey?: string | undefined } = {},
  ): Promise<Diagnosis> {
    // What hosts do not show: a client of whatever settings, good for its diagnosis alone.
    const diagnosing = { diagnosing: true, ...options }
    const client = new Hightouch(diagnosing)
    try {
      return await client.diagnose()
    } finally {
      await client.close()
    }
  }

  /**
   * Goes on with a run that was started anywhere. Sends nothing.
   *
   * @param token `run.token`, or `run` of an error.
   * @returns The run's handle; its `kind` says which of the three it is.
   */
  async run(token: string): Promise<AnyRunHandle> {
    return handleOf(this.#door, await this.#door.value<RunRecord>('runs.open', { run: token }))
  }

  /**
   * Sends a request that this package has no method for, under the same limit, retries and errors.
   *
   * @param method `GET`, `POST` or another method of HTTP.
   * @param path Starts with one `/` and is taken below the base URL: `/syncs`.
   * @param args Query and body.
   * @param options What holds for this call alone.
   * @returns The server's JSON; `null` where it sent nothing.
   * @typeParam T What the answer is taken for; nothing checks it.
   */
  async request<T = JsonValue>(
    method: string,
    path: string,
    args: RequestArgs = {},
    options?: CallOptions,
  ): Promise<Json<T>> {
    const { query, body } = args
    return this.#door.json<T>('request', { method, path, query, body }, options)
  }

  /** How the rate limit stands that this client shares with the process's others of the same key. Sends nothing. */
  async stats(): Promise<Stats> {
    return this.#door.value<Stats>('client.stats')
  }

  /**
   * Checks the connection and the key: one handshake, and one read (`ListSync`) that counts towards the limit.
   * Tells what it found rather than rejecting.
   *
   * @param options What holds for this call alone.
   */
  async diagnose(options?: CallOptions): Promise<Diagnosis> {
    return this.#door.value<Diagnosis>('client.diagnose', {}, options)
  }

  /**
   * Uses another key from the next request on. A function that gives keys is asked again only when this one is refused.
   *
   * @param apiKey The key.
   */
  async setApiKey(apiKey: string): Promise<void> {
    await this.#door.value('client.setKey', { apiKey })
  }

  /** Closes the connections; later calls are refused. */
  async close(): Promise<void> {
    await this.#door.value('client.close')
  }

  /** {@link Hightouch.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** What the core reads in the environment besides our own names. */
const PROXIES = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy', 'NO_PROXY', 'no_proxy']

/** The settings in the environment. A worker's may differ from its process's, which is all that the core sees. */
function environment(): Record<string, string> {
  const ours = Object.keys(process.env).filter((name) => name.startsWith('HIGHTOUCH_'))
  // By their names, since Windows takes them in any case.
  const set = [...ours, ...PROXIES].map((name) => [name, process.env[name]] as const)
  return Object.fromEntries(set.filter((entry): entry is [string, string] => entry[1] !== undefined))
}
