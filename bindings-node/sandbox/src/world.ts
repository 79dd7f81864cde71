/** A world: a workspace of the sandbox for one test. */

import { setTimeout as pause } from 'node:timers/promises'

import { Hightouch, type HightouchOptions } from 'hightouch-sdk'

import {
  BOOLEAN,
  OBJECT,
  TEXTS,
  checkArgument,
  checkOptions,
  number,
  or,
  wholeNumber,
  type Rules,
} from './checks.js'
import { Faults } from './faults.js'
import type { MethodName } from './methods.js'
import { METHOD, operationsOf, requestOf, type LogEntry, type WorldRequest } from './requests.js'
import { sharedSandbox, type Sandbox } from './server.js'
import { setTimeScale } from './time-scales.js'

/**
 * A request to the world was wrong, a fault was used less often than planned, or fewer requests came than a test waited
 * for.
 */
export class WorldError extends Error {
  /** The name of the class. */
  override readonly name = 'WorldError'
}

/** The API keys of a world. Other worlds refuse these keys. */
export interface Keys {
  /** Allows every operation. */
  readonly valid: string
  /** Allows every operation, too, so that a test can change from `valid` to this key. */
  readonly second: string
  /** The server refuses this key with 401, because it does not know the key. */
  readonly invalid: string
  /** The server refuses this key with 401, because the user who created it has left the workspace. */
  readonly orphaned: string
  /** Allows reading. The server refuses a change with 403. */
  readonly readOnly: string
}

/** Settings of a {@link World}. */
export interface WorldOptions {
  /** The number of syncs. The ids of the syncs start at 1. The default is the number of slugs, but at least 3. */
  syncs?: number | undefined
  /** The slugs of the first syncs. The server invents the slugs of all other syncs. */
  slugs?: readonly string[] | undefined
  /** How long a run takes, in seconds of the world; 5 by default. */
  secondsPerRun?: number | undefined
  /** How many times faster than real time the time of the world passes, 0.001 to 1,000,000; 20 by default. */
  timeScale?: number | undefined
  /**
   * The rate limit of the workspace: a number of requests in a number of seconds of the world; `[200, 10]` by default.
   * A client without the setting `limit` assumes `[200, 10]`, and learns a different limit from refusals (429).
   */
  limit?: readonly [requests: number, seconds: number] | undefined
  /** The seed of the data: worlds with the same seed have the same data; 1 by default. */
  seed?: number | undefined
  /** Further settings of the world by their names in the sandbox, such as `{ pastRuns: 2 }`. */
  settings?: Readonly<Record<string, unknown>> | undefined
  /** Whether the requests are checked at the end of a test or of an `await using` block; true by default. */
  judge?: boolean | undefined
  /** The server of the world. By default all worlds of this process share one server. */
  sandbox?: Sandbox | undefined
}

/** Options of {@link World.waitForRequests}. */
export interface WaitForRequestsOptions {
  /** How many requests to wait for; 1 by default. */
  count?: number | undefined
  /** How long to wait, in milliseconds; 30,000 by default. */
  timeoutMs?: number | undefined
}

const WORLD: Rules<WorldOptions> = {
  syncs: wholeNumber(0),
  slugs: TEXTS,
  secondsPerRun: number(0),
  timeScale: number(0.001, 1_000_000),
  limit: ['an array of two numbers: [requests, seconds]', isLimit],
  seed: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  settings: OBJECT,
  judge: BOOLEAN,
  sandbox: OBJECT,
}
const WAIT: Rules<WaitForRequestsOptions> = { count: wholeNumber(0), timeoutMs: or(number(0), Infinity) }

function isLimit(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === 'number')
}

/** @throws TypeError if a setting of the worlds is unknown or wrong. */
export function checkWorldOptions(caller: string, options: WorldOptions): void {
  checkOptions(caller, options, WORLD)
}

/** What the server sends about a new world. */
interface Created {
  id: string
  baseUrl: string
  httpBaseUrl: string
  keys: Keys
}

interface Log {
  requests: LogEntry[]
  refused: number
  left: Record<'script' | 'runs', number[]>
}

/**
 * A workspace of the sandbox with its own keys, data, clock, rate limit and log.
 *
 * Time in a world passes faster than real time, by the factor `timeScale`. Clients of this world in this process
 * shorten their pauses by this factor: the pauses between two looks at a run, before a retry, and for the rate limit.
 * Time limits that a program sets are in real time.
 */
export class World extends Faults {
  readonly #path: string
  readonly #clients: Hightouch[] = []
  #open = true

  /** The server of this world. */
  readonly sandbox: Sandbox
  /** Whether the requests are checked at the end of a test or of an `await using` block. */
  readonly judged: boolean
  /** The base URL without TLS. A client needs no certificate for it. */
  readonly baseUrl: string
  /** The base URL over TLS. A client needs the `caBundle` of {@link sandbox} for it. */
  readonly tlsBaseUrl: string
  /** The API keys of the world. */
  declare readonly keys: Keys

  private constructor(sandbox: Sandbox, created: Created, judged: boolean, timeScale: number) {
    super()
    this.sandbox = sandbox
    this.judged = judged
    this.#path = `/${created.id}`
    this.baseUrl = created.httpBaseUrl
    this.tlsBaseUrl = created.baseUrl
    const { valid, second, invalid, orphaned, readOnly } = created.keys
    // The property is not enumerable, so that the keys are not shown when a test prints a world.
    Object.defineProperty(this, 'keys', { value: { valid, second, invalid, orphaned, readOnly } })
    for (const url of [this.baseUrl, this.tlsBaseUrl]) setTimeScale(url, timeScale)
  }

  /**
   * Creates a world.
   *
   * @param options Settings.
   * @throws TypeError if a setting is unknown or wrong.
   * @throws Error if the package for this platform is not installed.
   */
  static async create(options: WorldOptions = {}): Promise<World> {
    checkWorldOptions('World.create', options)
    const { slugs = [], timeScale = 20, limit = [200, 10], judge = true } = options
    const sandbox = options.sandbox ?? (await sharedSandbox())
    const created = await sandbox.control('POST', '', {
      syncs: options.syncs ?? Math.max(3, slugs.length),
      slugs,
      timeScale,
      limit: { requests: limit[0], seconds: limit[1] },
      seed: options.seed ?? 1,
      runs: { seconds: options.secondsPerRun ?? 5 },
      ...options.settings,
    })
    return new World(sandbox, created as Created, judge, timeScale)
  }

  /** Whether the world exists. */
  get isOpen(): boolean {
    return this.#open
  }

  /** The valid API key of the world. */
  get apiKey(): string {
    return this.keys.valid
  }

  /** The environment variables with which `new Hightouch()` uses this world, in this process or in a child process. */
  get environment(): Record<string, string> {
    return {
      HIGHTOUCH_API_KEY: this.apiKey,
      HIGHTOUCH_BASE_URL: this.baseUrl,
      HIGHTOUCH_LIMIT_SCOPE: 'process',
    }
  }

  /**
   * Creates a client of this world. Closing the world closes the client.
   *
   * @param options Settings of the client. They take precedence over the settings that the world provides.
   */
  client(options: HightouchOptions = {}): Hightouch {
    const key = options.apiKeyFile === undefined ? { apiKey: this.apiKey } : {}
    const client = new Hightouch({ ...key, baseUrl: this.baseUrl, limitScope: 'process', ...options })
    this.#clients.push(client)
    return client
  }

  /**
   * Returns the requests that the world received, in the order of their arrival.
   *
   * @param method Returns only the requests of this method, such as `syncs.trigger`. By default returns all requests.
   * @throws TypeError if a client has no such method.
   */
  async requests(method?: MethodName): Promise<WorldRequest[]> {
    if (method !== undefined) checkArgument('requests', 'method', method, METHOD)
    const wanted = method === undefined ? undefined : operationsOf(method)
    const { requests } = await this.#log()
    return requests
      .filter(({ operation }) => wanted === undefined || (operation !== null && wanted.includes(operation)))
      .map(requestOf)
  }

  /**
   * Waits until the world has received a number of requests, and returns them.
   *
   * @param method Only the requests of this method count. By default all requests count.
   * @param options How many requests to wait for, and for how long.
   * @throws TypeError if a client has no such method, or if an option is unknown or wrong.
   * @throws {@link WorldError} if fewer requests arrive in time.
   */
  async waitForRequests(method?: MethodName, options: WaitForRequestsOptions = {}): Promise<WorldRequest[]> {
    checkOptions('waitForRequests', options, WAIT)
    const { count = 1, timeoutMs = 30_000 } = options
    const end = performance.now() + timeoutMs
    for (;;) {
      const seen = await this.requests(method)
      if (seen.length >= count) return seen
      if (performance.now() > end) {
        const arrived = `${String(seen.length)} of ${String(count)} requests (${method ?? 'any'})`
        throw new WorldError(`${arrived} arrived in ${String(timeoutMs)} ms.`)
      }
      await pause(10)
    }
  }

  /** Returns how many requests the rate limit of the world refused (429). */
  async refused(): Promise<number> {
    return (await this.#log()).refused
  }

  /**
   * Returns sentences that say which requests are wrong, and which faults were used less often than planned.
   *
   * Waits up to 10 seconds for requests that have not ended. Checks each request against Hightouch's description of the
   * API and against rules of the sandbox. One rule is that a client does not send a refused API key again. Refusals
   * (429) are accepted after {@link Faults.setLimit}.
   */
  async judge(): Promise<string[]> {
    const wire = this.isLimited ? { refused: 2 ** 31, allow: ['limit'] } : {}
    const judged = await this.control('POST', '/judge', { player: 'user', scenario: 'test', wire })
    return [...(judged as { complaints: string[] }).complaints, ...this.unmet((await this.#log()).left)]
  }

  /**
   * Calls {@link judge}, and throws if it finds something wrong.
   *
   * @throws {@link WorldError} if something is wrong. The message lists what is wrong.
   */
  async check(): Promise<void> {
    const complaints = await this.judge()
    if (complaints.length > 0) {
      const lines = complaints.map((line) => `* ${line}`).join('\n')
      throw new WorldError(`The sandbox found something wrong:\n${lines}`)
    }
  }

  /** Removes the world, and closes the clients that {@link client} returned. Closing a world again does nothing. */
  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await Promise.all(this.#clients.map((client) => client.close()))
    for (const url of [this.baseUrl, this.tlsBaseUrl]) setTimeScale(url, undefined)
    if (this.sandbox.isRunning) await this.control('DELETE', '')
  }

  /** Checks the requests and closes the world at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#open && this.judged) await this.check()
    } finally {
      await this.close()
    }
  }

  async #log(): Promise<Log> {
    return (await this.control('GET', '/log')) as Log
  }

  /** @internal */
  protected override async control(method: string, path: string, body?: unknown): Promise<unknown> {
    return this.sandbox.control(method, this.#path + path, body)
  }
}
