import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'

import * as sdk from 'hightouch-sdk'

import { Door } from '../dist/door.js'
import { errorClasses, errorFrom, type Failure } from '../dist/errors.js'
import { settingsOf, useSandbox } from './support.js'

const failure: Failure = {
  kind: 'outcome_unknown',
  message: 'The connection broke.',
  status: 502,
  details: new sdk.Json({ candidates: [1] }),
  operation: 'syncs.trigger',
  resource: 'sync 7',
  retryAfterMs: 1000,
  hint: 'Look at the runs.',
  causes: ['outer', 'inner'],
  meta: {
    requestId: 'r-1',
    operation: 'syncs.trigger',
    waitedMs: 0,
    durationMs: 1,
    mended: [],
    attempts: [],
  },
  run: 'token',
}

describe('an error', () => {
  test('has a class of its own for each kind, exported under the name that it shows', () => {
    const classes = Object.values(errorClasses)
    assert.equal(new Set(classes).size, 20)
    for (const [kind, known] of Object.entries(errorClasses)) {
      const error = errorFrom({ ...failure, kind: kind as sdk.ErrorKind })
      assert.equal(error.constructor, known)
      assert(error instanceof sdk.HightouchError && error instanceof Error)
      assert.equal((sdk as Record<string, unknown>)[error.name], known)
      assert.equal(String(error).startsWith(`${error.name}: `), true)
    }
  })

  test('carries every field of the failure', () => {
    const { message, causes, ...fields } = failure
    const error = errorFrom(failure)
    assert.equal(error.message, `${message}\nLook at the runs.`)
    assert.deepEqual({ ...(error as object) }, fields)
    assert.equal(error.requestId, 'r-1')
    const outer = error.cause as Error
    assert.deepEqual([outer.message, (outer.cause as Error).message], causes)
    assert.deepEqual(error.toJSON(), { name: 'OutcomeUnknownError', ...fields, message: error.message })
  })

  test('has no field that the failure has not', () => {
    const error = errorFrom({ kind: 'closed', message: 'The client is closed.', status: null, causes: [] })
    assert.deepEqual(Object.keys(error), ['kind'])
    assert.equal(error.status, undefined)
    assert.equal('cause' in error, false)
  })

  test('is caught by what it is a case of', () => {
    const of = (kind: sdk.ErrorKind): sdk.HightouchError => errorFrom({ kind, message: 'x' })
    assert(of('not_found') instanceof sdk.ApiError)
    assert(of('tls') instanceof sdk.ConnectionError)
    assert(of('wait_timeout') instanceof sdk.TimeoutError)
    assert.equal(of('timeout') instanceof sdk.ApiError, false)
  })
})

describe('a client', () => {
  const { sandbox, world } = useSandbox()
  const canary = 'canary-4f1d9c'

  test('shows its key nowhere', async () => {
    const home = await world()
    const settings = { ...settingsOf(sandbox, home), apiKey: canary }
    await using ht = new sdk.Hightouch(settings)
    const list = ht.syncs.list()
    const error: unknown = await list.catch((thrown: unknown) => thrown)
    assert(error instanceof sdk.AuthenticationError)
    const shown = [ht, ht.syncs, list, error, error.stack, error.cause, await ht.stats()]
    for (const value of shown) {
      const text =
        inspect(value, { depth: 20, showHidden: true, getters: true }) +
        ((JSON.stringify(value) as string | undefined) ?? '')
      assert.equal(text.includes(canary), false, text)
    }
  })

  test('turns a panic of the core into an error, and goes on', async () => {
    const door = new Door({ apiKey: 'k', environment: {}, selfTest: true })
    await assert.rejects(door.call('client.panic'), sdk.InternalError)
    assert.equal((await door.value<sdk.Stats>('client.stats')).granted, 0)
  })

  test('refuses what JSON cannot carry, and sends nothing', async () => {
    const home = await world()
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    for (const strange of [NaN, Infinity, Symbol('s'), () => 1, cyclic]) {
      const body = { limit: strange } as unknown as sdk.JsonInput
      await assert.rejects(ht.request('POST', '/syncs', { body }), sdk.InvalidRequestError)
    }
    const apiKeyFile = (() => canary) as unknown as string
    assert.throws(
      () => new sdk.Hightouch({ apiKeyFile }),
      (error) => error instanceof sdk.ConfigError && !inspect(error).includes(canary),
    )
    assert.equal((await ht.stats()).granted, 0)
  })

  test('refuses an unknown argument and an unknown option by name', async () => {
    const home = await world()
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const odd = { modelID: 7 } as sdk.SyncsListArgs
    await assert.rejects(ht.syncs.list(odd).then(), /modelID/)
    const options = { timeout: 7 } as sdk.CallOptions
    await assert.rejects(ht.syncs.list({}, options).then(), /timeout/)
  })

  test('leaves out what is undefined', async () => {
    const home = await world()
    await using ht = new sdk.Hightouch({ ...settingsOf(sandbox, home), proxy: undefined })
    const page = await ht.syncs.list(
      { slug: undefined, limit: 2 },
      { timeoutMs: undefined, signal: undefined },
    )
    assert.equal(page.data.length, 2)
  })
})

describe('a list', () => {
  const { sandbox, world } = useSandbox()

  test('can be awaited, paged and iterated, and reads its first page once', async () => {
    const home = await world({ syncs: 5 })
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const list = ht.syncs.list({ limit: 3 })
    const first = await list
    assert.deepEqual(
      first.data.map(({ id }) => id),
      [1, 2, 3],
    )
    assert.deepEqual([...first], first.data)
    assert.equal(first.hasNext, true)
    const pages: sdk.Page<sdk.Sync>[] = []
    for await (const page of list.pages()) pages.push(page)
    assert.equal(pages[0], first)
    assert.equal(await pages.at(-1)?.next(), undefined)
    const ids: number[] = []
    for await (const { id } of list) ids.push(id)
    assert.deepEqual(ids, [1, 2, 3, 4, 5])
  })

  test('that nobody asks for sends nothing', async () => {
    const home = await world()
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    ht.syncs.list()
    assert.equal((await ht.stats()).granted, 0)
  })
})
