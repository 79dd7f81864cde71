import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'

import * as sdk from 'hightouch-sdk'

import { SyncBatch } from '../dist/batch.js'
import { Door } from '../dist/door.js'
import { errorClasses } from '../dist/error-table.js'
import type { Failure } from '../dist/errors.js'
import { errorFrom } from '../dist/failures.js'
// `Door` and `errorFrom` use the classes of these modules, which are not the classes of the bundle `hightouch-sdk`.
import * as modules from '../dist/index.js'
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
    callId: 'c-1',
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
  test('has a class for each kind, exported under its name', () => {
    const classes = Object.values(errorClasses)
    assert.equal(new Set(classes).size, classes.length)
    for (const [kind, known] of Object.entries(errorClasses)) {
      const error = errorFrom({ ...failure, kind: kind as sdk.ErrorKind })
      assert.equal(error.constructor, known)
      assert(error instanceof modules.HightouchError && error instanceof Error)
      assert.equal((modules as Record<string, unknown>)[error.name], known)
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

  test('has no field that the failure does not have', () => {
    const error = errorFrom({ kind: 'closed', message: 'The client is closed.', status: null, causes: [] })
    assert.deepEqual(Object.keys(error), ['kind'])
    assert.equal(error.status, undefined)
    assert.equal('cause' in error, false)
  })

  test('is an instance of its base class', () => {
    const errorOf = (kind: sdk.ErrorKind): sdk.HightouchError => errorFrom({ kind, message: 'x' })
    assert(errorOf('not_found') instanceof modules.ApiError)
    assert(errorOf('tls') instanceof modules.ConnectionError)
    assert(errorOf('wait_timeout') instanceof modules.TimeoutError)
    assert.equal(errorOf('timeout') instanceof modules.ApiError, false)
  })
})

describe('the stack of an error', () => {
  const { sandbox, world } = useSandbox()

  /** Incident: V8 keeps ten frames. Six to eight of them were the package's, so the caller was not in the stack. */
  test('has the frames of the caller and none of the package', async () => {
    await using ht = new sdk.Hightouch(settingsOf(sandbox, await world()))
    const nested = async (depth: number): Promise<unknown> => {
      if (depth > 0) return await nested(depth - 1)
      return await ht.syncs.get(999)
    }
    const refused = async (): Promise<unknown> => ht.syncs.list({}, { timeout: 1 } as sdk.CallOptions)
    for (const work of [async () => nested(6), refused]) {
      const error: unknown = await work().catch((thrown: unknown) => thrown)
      assert(error instanceof sdk.HightouchError)
      const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
      assert(frames.length <= 10)
      assert.deepEqual(
        frames.filter((frame) => /[/\\]dist[/\\]/.test(frame)),
        [],
      )
      if (error instanceof sdk.NotFoundError) {
        assert.equal(frames.filter((frame) => frame.includes('nested')).length, 7)
      }
    }
  })

  /** Incident: all waits of a batch share a request, and V8 added none of their callers to the stack of its error. */
  test('of a batch has the frames of the caller', async () => {
    const home = await world({ runs: { status: 'failed' } })
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const failing = await ht.syncs.runMany([1, 2])
    const running = await ht.syncs.runMany([3])
    const works = {
      waitsForBoth: async function waitsForBoth() {
        await failing.wait()
      },
      waitsAgain: async function waitsAgain() {
        await failing.wait()
      },
      waitsTooShort: async function waitsTooShort() {
        await running.wait({ timeoutMs: 0 })
      },
      waitsForStopped: async function waitsForStopped() {
        await running.stop()
        await running.wait()
      },
    }
    for (const [name, work] of Object.entries(works)) await isThrownBy(name, work)
  })

  test('of a request that waits for changes of a batch has the frames of its caller', async () => {
    const value = async (): Promise<never> => {
      await Promise.resolve()
      throw errorFrom(failure)
    }
    const door = { value } as unknown as Door
    const batch = new SyncBatch(door, 1, [1], undefined)
    await isThrownBy('iterates', async function iterates() {
      for await (const item of batch) assert.fail(inspect(item))
    })
    await isThrownBy('waits', async function waits() {
      await batch.wait()
    })
    await isThrownBy('stops', async function stops() {
      await batch.stop()
    })
    await isThrownBy('waitsForStopped', async function waitsForStopped() {
      await batch.wait()
    })
  })

  async function isThrownBy(name: string, work: () => Promise<void>): Promise<void> {
    const error: unknown = await work().catch((thrown: unknown) => thrown)
    assert(
      error instanceof sdk.HightouchError || error instanceof modules.HightouchError,
      `${name}: ${inspect(error)}`,
    )
    const { stack = '' } = error
    assert(stack.startsWith(`${error.name}: ${error.message}\n    at `), stack)
    assert.match(stack, new RegExp(`^    at (async )?${name} `, 'm'))
    assert.doesNotMatch(stack, /^    at .*[/\\]dist[/\\]/m)
  }
})

describe('a client', () => {
  const { sandbox, world } = useSandbox()
  const canary = 'canary-4f1d9c'

  test('is short in console.log, and so is a list', async () => {
    await using ht = new sdk.Hightouch({ apiKey: 'k' })
    assert(inspect(ht).split('\n').length <= 12, inspect(ht))
    assert.match(inspect(ht.syncs.list()), /await it for its first page/)
  })

  test('does not show its key', async () => {
    const home = await world()
    const settings = { ...settingsOf(sandbox, home), apiKey: canary }
    await using ht = new sdk.Hightouch(settings)
    const list = ht.syncs.list()
    const error: unknown = await list.catch((thrown: unknown) => thrown)
    assert(error instanceof sdk.AuthenticationError)
    const shown = [ht, ht.syncs, list, error, error.stack, error.cause, await ht.stats()]
    for (const value of shown) {
      // `JSON.stringify` throws for a list that was not read.
      const json = value === list ? '' : ((JSON.stringify(value) as string | undefined) ?? '')
      const text = inspect(value, { depth: 20, showHidden: true, getters: true }) + json
      assert.equal(text.includes(canary), false, text)
    }
  })

  test('converts a panic of the core to an error, and continues', async () => {
    const door = new Door({ apiKey: 'k', environment: {}, selfTest: true })
    await assert.rejects(door.call('client.panic'), modules.InternalError)
    assert.equal((await door.value<sdk.Stats>('client.stats')).granted, 0)
  })

  test('refuses a value that JSON cannot express, and sends nothing', async () => {
    const home = await world()
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    for (const wrong of [NaN, Infinity, Symbol('s'), () => 1, cyclic]) {
      const body = { limit: wrong } as unknown as sdk.JsonInput
      await assert.rejects(ht.request('POST', '/syncs', { body }), sdk.InvalidRequestError)
    }
    // JSON.stringify would write these numbers as null. `encode` has a separate check for numbers that are direct
    // members of the arguments or options.
    for (const wrong of [NaN, -Infinity]) {
      await assert.rejects(
        ht.syncs.list({ limit: wrong }).then(),
        /`limit` cannot be sent: a number that is not finite/,
      )
      await assert.rejects(
        ht.syncs.get(1, { timeoutMs: wrong }),
        /`timeoutMs` cannot be sent: a number that is not finite/,
      )
    }
    const apiKeyFile = (() => canary) as unknown as string
    assert.throws(
      () => new sdk.Hightouch({ apiKeyFile }),
      (error) => error instanceof sdk.ConfigError && !inspect(error).includes(canary),
    )
    assert.equal((await ht.stats()).granted, 0)
  })

  test('refuses an unknown argument and an unknown option, and names it', async () => {
    const home = await world()
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const misspelt = { modelID: 7 } as sdk.SyncsListArgs
    await assert.rejects(ht.syncs.list(misspelt).then(), /modelID/)
    const options = { timeout: 7 } as sdk.CallOptions
    await assert.rejects(ht.syncs.list({}, options).then(), /timeout/)
  })

  test('takes a Date for a time', async () => {
    const home = await world({ syncs: 3 })
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const ended = new Date('2030-01-01T00:00:00Z')
    assert.deepEqual((await ht.syncs.list({ after: ended })).data, [])
    assert.equal((await ht.syncs.list({ before: ended })).data.length, 3)
    await assert.rejects(ht.syncs.list({ after: new Date(NaN) }).then(), /after/)
  })

  test('leaves out members that are undefined', async () => {
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

  test('can be awaited, paged and iterated, and fetches its first page once', async () => {
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

  test('sends nothing until it is awaited or iterated', async () => {
    const home = await world()
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    ht.syncs.list()
    assert.equal((await ht.stats()).granted, 0)
  })
})
