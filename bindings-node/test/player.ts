/** Plays scenarios through the public methods; the format is described in tests/scenarios/README.md. */

import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { inspect } from 'node:util'

import {
  Hightouch,
  HightouchError,
  Listing,
  RunHandle,
  stoppedCalls,
  type AnyRunHandle,
  type JsonValue,
} from 'hightouch-sdk'

import { errorClasses } from '../dist/errors.js'
import { KeyFunction, type KeyEntry } from './keys.js'
import { complaints } from './matching.js'
import { logOf, post, settingsOf, type Sandbox, type World } from './support.js'
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

/** What a step gave: a value (the handle too, where it gave one) or what it failed with. */
type Ended = { value: JsonValue; handle?: AnyRunHandle } | { error: unknown; aborted: boolean }

const HANG_MS = 60_000

export async function play(id: string, scenario: Scenario, sandbox: Sandbox, world: World): Promise<void> {
  const played = new Play(scenario, sandbox, world)
  try {
    if (scenario.construct) played.fail(scenario.construct)
    else await played.steps()
  } finally {
    await played.close()
  }
  if (scenario.asked !== undefined) assert.equal(played.asked(), scenario.asked, 'keys asked for')
  const question = { player: 'node', scenario: id, wire: scenario.wire ?? {} }
  const verdict = (await post(`${sandbox.httpUrl}/_worlds/${world.id}/judge`, question)) as {
    complaints: string[]
  }
  assert.deepEqual(verdict.complaints, [], 'the judge complains')
  await fetch(`${sandbox.httpUrl}/_worlds/${world.id}`, { method: 'DELETE' })
}

/** One scenario: its clients, and what was saved. */
class Play {
  /** By their names; the one that steps need not name has none. */
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
    this.#names = { ...sandbox, ...world }
  }

  /** How often the clients' functions were asked for a key. */
  asked(): number {
    return this.#keys.reduce((sum, keys) => sum + keys.asked, 0)
  }

  async close(): Promise<void> {
    for (const keys of this.#keys) keys.end()
    await Promise.all(Array.from(this.#clients.values(), (client) => client.close()))
  }

  /** Making the client fails. */
  fail(construct: { error: Members }): void {
    let error: unknown
    try {
      this.#client('')
    } catch (thrown) {
      error = thrown
      trace('error', thrown)
    }
    const expected = { error: fill(construct.error, this.#names) as Members }
    check(expected, { error, aborted: false }, 'making the client')
  }

  /** The client with that name, made where no step before has named it. */
  #client(name: string): Hightouch {
    const known = this.#clients.get(name)
    if (known) return known
    const differ = name === '' ? this.#scenario.client : this.#scenario.clients?.[name]
    const given = fill(
      { ...settingsOf(this.#sandbox, this.#world), ...differ } as Members,
      this.#names,
    ) as Members
    const { keys, ...settings } = Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== null),
    )
    const give = keys === undefined ? undefined : new KeyFunction(keys as unknown as KeyEntry[])
    const client: Hightouch = new Hightouch({
      ...settings,
      ...(give && { apiKey: () => give.key(client) }),
      onEnd: (end) => {
        trace('hook', end)
      },
    })
    trace('client', client)
    if (give) this.#keys.push(give)
    this.#clients.set(name, client)
    return client
  }

  async steps(): Promise<void> {
    this.#client('')
    for (const [index, step] of (this.#scenario.steps ?? []).entries()) {
      const parts = 'together' in step ? step.together : [step]
      const where = `step ${String(index + 1)} (${parts.map((part) => part.call).join(', ')})`
      // All begin before any is awaited.
      const begun = parts.map((part) => this.#begin(part))
      const all = await within(Promise.all(begun), where)
      for (const [nth, part] of parts.entries()) {
        const expected = fill(part.expect ?? {}, this.#names) as Step['expect']
        for (const ended of all[nth] ?? []) {
          check(expected ?? {}, ended, where)
          if (part.save !== undefined) this.#names[part.save] = saved(ended)
        }
      }
    }
  }

  #begin(step: Step): Promise<Ended[]> {
    const client = this.#client(step.client ?? '')
    const args = fill(step.args ?? {}, this.#names) as Members
    const opts = fill(step.opts ?? {}, this.#names) as Members
    return Promise.all(
      Array.from({ length: step.atOnce ?? 1 }, () => this.#attempt(client, step, args, opts)),
    )
  }

  async #attempt(client: Hightouch, step: Step, args: Members, opts: Members): Promise<Ended> {
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

  /** Aborts when the step says so, unless its call is done before. */
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
): Promise<Ended> {
  switch (step.call) {
    case 'client.run':
      return handled(await client.run(args.token as string))
    case 'run.wait':
      assert(on)
      return { value: (await on.wait({ ...args, signal: options.signal })) as unknown as JsonValue }
    case 'run.states': {
      assert(on)
      const seen: string[] = []
      for await (const { status } of on.states({ signal: options.signal })) {
        if (seen.at(-1) !== status) seen.push(status)
      }
      return { value: seen }
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

type Method = (...given: unknown[]) => unknown

/** Any operation, by the public method of its resource. */
async function operation(client: Hightouch, step: Step, args: Members, options: object): Promise<Ended> {
  const [resource = '', name = ''] = step.call.split('.').map(camel)
  const methods = (client as unknown as Record<string, Record<string, Method> | undefined>)[resource]
  const method = methods?.[name]
  assert(methods && method, `this player does not know ${step.call}`)
  const made = method.apply(methods, parameters(method, args, options))
  const given = await (made instanceof Listing ? listed(made, step.take) : made)
  if (given instanceof RunHandle) return handled(given as AnyRunHandle)
  // What is opaque is JSON to a scenario.
  return { value: JSON.parse(JSON.stringify(given ?? null)) as JsonValue }
}

/** A list as a user takes it: its first page, or all of it. */
async function listed(list: Listing<unknown>, take: Step['take']): Promise<unknown[]> {
  if (take === 'firstPage') return [...(await list)]
  const items: unknown[] = []
  for await (const item of list) items.push(item)
  return items
}

/**
 * What to call a method with. A method's parameters bear the names of the door's arguments; the others go in `args`.
 * They are read from its source, so that nothing but the method itself says what it takes.
 */
function parameters(method: Method, args: Members, options: object): unknown[] {
  const source = /\(([^)]*)\)/.exec(method.toString())?.[1] ?? ''
  const names = source.split(',').map((parameter) => parameter.replace(/=.*/, '').trim())
  const rest = { ...args }
  const alone = names.slice(0, -1).filter((name) => name !== 'args')
  for (const name of alone) Reflect.deleteProperty(rest, name)
  if (!names.includes('args')) assert.deepEqual(rest, {}, `no parameter of ${source} takes these`)
  return names.map((name) => (name === 'options' ? options : name === 'args' ? rest : args[name]))
}

/** `list_flows` as `listFlows`. */
function camel(name: string): string {
  return name.replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase())
}

function handled(handle: AnyRunHandle): Ended {
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

function saved(ended: Ended): unknown {
  if ('error' in ended) return JSON.parse(JSON.stringify(ended.error)) as unknown
  const { value, handle } = ended
  return handle ? { ...(value as Members), token: handle.token, handle } : value
}

function check(expect: NonNullable<Step['expect']>, ended: Ended, where: string): void {
  if ('error' in ended) {
    if (!expect.error) throw ended.error
    checkError(expect.error, ended.error, ended.aborted, where)
    return
  }
  assert(!expect.error, `${where} succeeded with ${inspect(ended.value)}, expected ${inspect(expect.error)}`)
  if (expect.value !== undefined) assert.deepEqual(complaints(expect.value, ended.value), [], where)
  if (expect.count !== undefined) assert.equal((ended.value as JsonValue[]).length, expect.count, where)
}

function checkError(expected: Members, error: unknown, aborted: boolean, where: string): void {
  const { contains, notContaining, ...members } = expected
  const known = error instanceof HightouchError
  if (!known && !aborted) throw error
  const fields = known ? { ...error.toJSON(), kind: kindOf(error) } : interruption(error)
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

/** What is told of the call that was stopped for this reason. */
function interruption(reason: unknown): Members {
  const [error] = stoppedCalls(reason)
  return error ? { ...error.toJSON(), kind: kindOf(error) } : { kind: 'cancelled' }
}

/** The kind that the error's class stands for. */
function kindOf(error: HightouchError): string {
  const kind = Object.entries(errorClasses).find(([, known]) => error.constructor === known)?.[0]
  assert.equal(kind, error.kind)
  return error.kind
}

function texts(value: JsonValue | undefined): string[] {
  return value === undefined ? [] : ([value].flat() as string[])
}

/** `value` with each `{{name.member}}` replaced; a string that is only that becomes the value itself. */
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
  assert(found !== undefined, `the scenario names {{${name}}}, which is not there`)
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
