/** Plays scenarios through the public methods. tests/scenarios/README.md describes the format. */

import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { inspect } from 'node:util'

import {
  Hightouch,
  HightouchError,
  Listing,
  problemOf,
  RunHandle,
  stoppedCalls,
  type AnyRunHandle,
  type BatchWaitOptions,
  type JsonValue,
  type SyncRef,
} from 'hightouch-sdk'

import { errorClasses } from '../dist/error-table.js'
import { KeyFunction, type KeyEntry } from './keys.js'
import { complaints } from './matching.js'
import { emptyFolder, logOf, post, settingsOf, type Sandbox, type World } from './support.js'
import { decoded, trace } from './trace.js'

type Members = Record<string, JsonValue>

interface Step {
  call: string
  client?: string
  args?: Members
  opts?: Members
  on?: string
  take?: 'firstPage'
  atOnce?: number
  cancelAfterMs?: number
  cancelOn?: string
  blockMs?: number
  save?: string
  expect?: { value?: JsonValue; count?: number; error?: Members }
}

export interface Scenario {
  name: string
  world?: object
  client?: Members
  clients?: Record<string, Members>
  construct?: { error: Members }
  steps?: (Step | { together: Step[] })[]
  asked?: number
  wire?: object
}

/** The outcome of a step: a value, with the handle if the step returned one, or an error. */
type Outcome = { value: JsonValue; handle?: AnyRunHandle } | { error: unknown; aborted: boolean }

const HANG_MS = 300_000

export async function play(id: string, scenario: Scenario, sandbox: Sandbox, world: World): Promise<void> {
  const played = new Play(scenario, sandbox, world)
  try {
    if (scenario.construct) played.failToCreate(scenario.construct)
    else await played.steps()
  } finally {
    await played.close()
  }
  if (scenario.asked !== undefined) assert.equal(played.keyCalls(), scenario.asked, 'calls of key functions')
  const question = { player: 'node', scenario: id, wire: scenario.wire ?? {} }
  const verdict = (await post(`${sandbox.httpUrl}/_worlds/${world.id}/judge`, question)) as {
    complaints: string[]
  }
  assert.deepEqual(verdict.complaints, [], 'the judge complains')
  await fetch(`${sandbox.httpUrl}/_worlds/${world.id}`, { method: 'DELETE' })
}

/** One scenario, with its clients and the values that steps saved. */
class Play {
  /** The clients by name. A step that names no client uses the client ''. */
  readonly #clients = new Map<string, Hightouch>()
  readonly #keys: KeyFunction[] = []
  readonly #names: Record<string, unknown>
  readonly #scenario: Scenario
  readonly #sandbox: Sandbox
  readonly #world: World

  constructor(scenario: Scenario, sandbox: Sandbox, world: World) {
    this.#scenario = scenario
    this.#sandbox = sandbox
    this.#world = world
    this.#names = { ...sandbox, ...world, folder: emptyFolder() }
  }

  /** How often the key functions of all clients were called. */
  keyCalls(): number {
    return this.#keys.reduce((sum, keys) => sum + keys.calls, 0)
  }

  async close(): Promise<void> {
    for (const keys of this.#keys) keys.end()
    await Promise.all(Array.from(this.#clients.values(), (client) => client.close()))
  }

  /** Checks that creating the client fails. */
  failToCreate(construct: { error: Members }): void {
    let error: unknown
    try {
      this.#client('')
    } catch (thrown) {
      error = thrown
      trace('error', thrown)
    }
    const expected = { error: fill(construct.error, this.#names) as Members }
    check(expected, { error, aborted: false }, 'creating the client')
  }

  /** Returns the client with this name. Creates it if no earlier step has named it. */
  #client(name: string): Hightouch {
    const known = this.#clients.get(name)
    if (known) return known
    const overrides = name === '' ? this.#scenario.client : this.#scenario.clients?.[name]
    const given = fill(
      { ...settingsOf(this.#sandbox, this.#world), ...overrides } as Members,
      this.#names,
    ) as Members
    const { keys, ...settings } = Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== null),
    )
    const keyFunction = keys === undefined ? undefined : new KeyFunction(keys as unknown as KeyEntry[])
    const client: Hightouch = new Hightouch({
      ...settings,
      ...(keyFunction && { apiKey: () => keyFunction.key(client) }),
      onEnd: (end) => {
        trace('hook', end)
      },
    })
    trace('client', client)
    if (keyFunction) this.#keys.push(keyFunction)
    this.#clients.set(name, client)
    return client
  }

  async steps(): Promise<void> {
    this.#client('')
    for (const [index, step] of (this.#scenario.steps ?? []).entries()) {
      const parts = 'together' in step ? step.together : [step]
      const where = `step ${String(index + 1)} (${parts.map((part) => part.call).join(', ')})`
      // All parts start before any of them is awaited.
      const started = parts.map((part) => this.#start(part))
      const all = await within(Promise.all(started), where)
      for (const [nth, part] of parts.entries()) {
        const expected = fill(part.expect ?? {}, this.#names) as Step['expect']
        for (const outcome of all[nth] ?? []) {
          check(expected ?? {}, outcome, where)
          if (part.save !== undefined) this.#names[part.save] = saved(outcome)
        }
      }
    }
  }

  #start(step: Step): Promise<Outcome[]> {
    if (step.blockMs !== undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, step.blockMs)
    const client = this.#client(step.client ?? '')
    const args = fill(step.args ?? {}, this.#names) as Members
    const opts = fill(step.opts ?? {}, this.#names) as Members
    return Promise.all(
      Array.from({ length: step.atOnce ?? 1 }, () => this.#attempt(client, step, args, opts)),
    )
  }

  async #attempt(client: Hightouch, step: Step, args: Members, opts: Members): Promise<Outcome> {
    const aborter = new AbortController()
    const done = new AbortController()
    const cancelling = this.#cancel(step, aborter, done.signal)
    try {
      const target =
        step.on === undefined ? undefined : (this.#names[step.on] as { handle: AnyRunHandle }).handle
      return await call(client, step, args, { ...opts, signal: aborter.signal }, target)
    } catch (error) {
      trace('error', error)
      return { error, aborted: error === aborter.signal.reason }
    } finally {
      done.abort()
      await cancelling
    }
  }

  /** Aborts the call at the moment that the step names. Does nothing if the step names no moment. */
  async #cancel(step: Step, aborter: AbortController, done: AbortSignal): Promise<void> {
    const { cancelAfterMs, cancelOn } = step
    if (cancelAfterMs === undefined && cancelOn === undefined) return
    let due = false
    while (!due && !done.aborted) {
      await setTimeout(cancelAfterMs ?? 20, undefined, { signal: done }).catch(() => undefined)
      due =
        cancelOn === undefined ||
        (await logOf(this.#sandbox, this.#world)).some((one) => one.operation === cancelOn)
    }
    aborter.abort()
  }
}

async function call(
  client: Hightouch,
  step: Step,
  args: Members,
  options: object & { signal: AbortSignal },
  on?: AnyRunHandle,
): Promise<Outcome> {
  switch (step.call) {
    case 'client.run':
      return handled(await client.run(args.token as string))
    case 'run.wait':
      assert(on)
      return { value: (await on.wait({ ...args, signal: options.signal })) as unknown as JsonValue }
    case 'syncs.run_many':
      return { value: await runMany(client, args, options) }
    case 'run.states': {
      assert(on)
      const seen: string[] = []
      for await (const { status } of on.states({ signal: options.signal })) {
        if (seen.at(-1) !== status) seen.push(status)
      }
      return { value: seen }
    }
    case 'run.state':
    case 'run.problem': {
      assert(on)
      const state = await on.state({ signal: options.signal })
      return { value: (step.call === 'run.state' ? state : problemOf(state)) as unknown as JsonValue }
    }
    case 'request': {
      const { method, path, ...rest } = args
      const { value } = await client.request(method as string, path as string, rest, options)
      return { value: value as JsonValue }
    }
    case 'client.stats':
      return { value: (await client.stats()) as unknown as JsonValue }
    case 'client.diagnose': {
      const found = await client.diagnose(options)
      trace('diagnosis', found)
      return { value: found as unknown as JsonValue }
    }
    case 'client.setKey':
      await client.setApiKey(args.apiKey as string)
      return { value: null }
    case 'client.close':
      await client.close()
      return { value: null }
    default:
      return operation(client, step, args, options)
  }
}

/** Runs many syncs as a batch. Waits for the batch, or stops the batch after `stopAfter` items. */
async function runMany(client: Hightouch, args: Members, options: object): Promise<JsonValue> {
  const { syncs, onFailure, onWarning, stopAfter, ...rest } = args
  const batch = await client.syncs.runMany(syncs as SyncRef[], rest, options)
  const ended = batch[Symbol.asyncIterator]()
  for (let nth = 0; nth < Number(stopAfter ?? 0); nth += 1) await ended.next()
  const policies = { onFailure, onWarning } as BatchWaitOptions
  const items = stopAfter === undefined ? await batch.wait(policies) : await batch.stop()
  return items.map(({ sync, outcome, adopted, joined, state, error }) => ({
    sync,
    outcome: outcome ?? null,
    adopted,
    joined,
    status: state?.status ?? null,
    error: error?.kind ?? null,
  }))
}

type Method = (...given: unknown[]) => unknown

/** Calls an operation by the public method of its resource. */
async function operation(client: Hightouch, step: Step, args: Members, options: object): Promise<Outcome> {
  const [resource = '', name = ''] = step.call.split('.').map(camel)
  const methods = (client as unknown as Record<string, Record<string, Method> | undefined>)[resource]
  const method = methods?.[name]
  assert(methods && method, `this player does not know ${step.call}`)
  const returned = method.apply(methods, parameters(method, args, options))
  const value = await (returned instanceof Listing ? itemsOf(returned, step.take) : returned)
  if (value instanceof RunHandle) return handled(value as AnyRunHandle)
  // Converts each Json to its value, because scenarios have plain JSON.
  return { value: JSON.parse(JSON.stringify(value ?? null)) as JsonValue }
}

/** Returns the items of the first page if `take` is `firstPage`, and otherwise the items of all pages. */
async function itemsOf(
  list: AsyncIterable<unknown> & PromiseLike<Iterable<unknown>>,
  take: Step['take'],
): Promise<unknown[]> {
  if (take === 'firstPage') return [...(await list)]
  const items: unknown[] = []
  for await (const item of list) items.push(item)
  return items
}

/**
 * Returns the parameters for a method. A parameter takes the argument of its name, and the parameter `args` takes all
 * other arguments. The names of the parameters are read from the method's source, so the test needs no list.
 */
function parameters(method: Method, args: Members, options: object): unknown[] {
  const source = /\(([^)]*)\)/.exec(method.toString())?.[1] ?? ''
  const names = source.split(',').map((parameter) => parameter.replace(/=.*/, '').trim())
  const rest = { ...args }
  const positional = names.slice(0, -1).filter((name) => name !== 'args')
  for (const name of positional) Reflect.deleteProperty(rest, name)
  if (!names.includes('args')) assert.deepEqual(rest, {}, `no parameter of ${source} takes these`)
  return names.map((name) => (name === 'options' ? options : name === 'args' ? rest : args[name]))
}

/** Converts a name such as `list_flows` to `listFlows`. */
function camel(name: string): string {
  return name.replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase())
}

function handled(handle: AnyRunHandle): Outcome {
  const { id, kind, adopted, joined } = handle
  trace('run', handle, decoded(handle.token))
  return { value: { id: String(id), parent: parentOf(handle), kind, adopted, joined }, handle }
}

function parentOf(handle: AnyRunHandle): string {
  switch (handle.kind) {
    case 'sync':
      return String(handle.syncId)
    case 'sequence':
      return handle.sequenceId
    case 'identity_graph':
      return handle.graphId
  }
}

function saved(outcome: Outcome): unknown {
  if ('error' in outcome) return JSON.parse(JSON.stringify(outcome.error)) as unknown
  const { value, handle } = outcome
  return handle ? { ...(value as Members), token: handle.token, handle } : value
}

function check(expect: NonNullable<Step['expect']>, outcome: Outcome, where: string): void {
  if ('error' in outcome) {
    if (!expect.error) throw outcome.error
    checkError(expect.error, outcome.error, outcome.aborted, where)
    return
  }
  assert(
    !expect.error,
    `${where} succeeded with ${inspect(outcome.value)}, expected ${inspect(expect.error)}`,
  )
  if (expect.value !== undefined) assert.deepEqual(complaints(expect.value, outcome.value), [], where)
  if (expect.count !== undefined) assert.equal((outcome.value as JsonValue[]).length, expect.count, where)
}

function checkError(expected: Members, error: unknown, aborted: boolean, where: string): void {
  const { contains, notContaining, ...members } = expected
  if (typeof members.operation === 'string') members.operation = camel(members.operation)
  const known = error instanceof HightouchError
  if (!known && !aborted) throw error
  const fields = known ? { ...error.toJSON(), kind: kindOf(error) } : errorOfAbort(error)
  const found = complaints(members, JSON.parse(JSON.stringify(fields)) as Members, true)
  assert.deepEqual(found, [], `${where}: ${inspect(error)}`)
  const text = [fields.message, fields.hint].filter((part) => typeof part === 'string').join(' ')
  for (const part of texts(contains)) assert(text.includes(part), `${where}: no ${part} in ${text}`)
  for (const part of texts(notContaining)) {
    for (const shown of [JSON.stringify(error), String(error), inspect(error, { depth: 9 })]) {
      assert(!shown.includes(part), `${where}: ${part} in ${shown}`)
    }
  }
}

/** Returns the members of the error of the call that was aborted for this reason. */
function errorOfAbort(reason: unknown): Members {
  const [error] = stoppedCalls(reason)
  return error ? { ...error.toJSON(), kind: kindOf(error) } : { kind: 'cancelled' }
}

/** Returns the kind of an error. Compares names, because `errorClasses` has other class objects than the bundle. */
function kindOf(error: HightouchError): string {
  const kind = Object.entries(errorClasses).find(([, known]) => error.constructor.name === known.name)?.[0]
  assert.equal(kind, error.kind)
  return error.kind
}

function texts(value: JsonValue | undefined): string[] {
  return value === undefined ? [] : ([value].flat() as string[])
}

/** Replaces each `{{name.member}}` in `value`. A string that is only `{{…}}` becomes the value itself, of any type. */
function fill(value: JsonValue, names: Record<string, unknown>): JsonValue {
  if (typeof value === 'string') {
    const whole = /^\{\{([^{}]+)\}\}$/.exec(value)?.[1]
    if (whole !== undefined) return look(whole, names) as JsonValue
    return value.replace(/\{\{([^{}]+)\}\}/g, (_match, name: string) => String(look(name, names)))
  }
  if (Array.isArray(value)) return value.map((item) => fill(item, names))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fill(member, names)]))
}

function look(name: string, names: Record<string, unknown>): unknown {
  const found = name.split('.').reduce<unknown>((at, member) => (at as Members | undefined)?.[member], names)
  assert(found !== undefined, `the scenario names {{${name}}}, which does not exist`)
  return found
}

async function within<T>(work: Promise<T>, where: string): Promise<T> {
  const done = new AbortController()
  const { signal } = done
  const hang = setTimeout(HANG_MS, undefined, { signal }).then(() => assert.fail(`${where} hangs`))
  try {
    return await Promise.race([work, hang])
  } finally {
    hang.catch(() => undefined)
    done.abort()
  }
}
