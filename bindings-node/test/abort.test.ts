import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { describe, test } from 'node:test'

import { CancelledError, Hightouch, stoppedCalls, type CallEnd } from 'hightouch-sdk'

import * as modules from '../dist/abort.js'
import { CancelledError as Cancelled } from '../dist/error-classes.js'
import { eventually, logOf, settingsOf, STILL_RUNNING, useSandbox, type World } from './support.js'

const reason = new Error('the user left')

describe('an abort', () => {
  const { sandbox, world } = useSandbox()
  const clientOf = (home: World, more: object = {}): Hightouch =>
    new Hightouch({ ...settingsOf(sandbox, home), ...more })
  /** Waits until the sandbox has received `n` requests. */
  const arrived = (home: World, n = 1) => eventually(async () => (await logOf(sandbox, home)).length >= n)
  /** Waits until a client has closed a request that the sandbox had not answered. */
  const gone = (home: World) =>
    eventually(async () => (await logOf(sandbox, home)).some(({ gone_ms }) => gone_ms !== undefined))
  const hanging = { script: [{ when: {}, answer: { hang: true }, times: 1000 }] }

  test('before the call sends nothing and rejects with the reason', async () => {
    const home = await world()
    await using ht = clientOf(home)
    const signal = AbortSignal.abort(reason)
    await assert.rejects(ht.syncs.list({}, { signal }).then(), (error) => error === reason)
    await assert.rejects(ht.syncs.trigger(1, {}, { signal }), (error) => error === reason)
    await assert.rejects(ht.request('GET', '/syncs', {}, { signal }), (error) => error === reason)
    assert.deepEqual(await logOf(sandbox, home), [])
  })

  test('while the call waits for the limit leaves the queue and sends nothing', async () => {
    const home = await world({ timeScale: 1 })
    await using ht = clientOf(home, { limit: [1, 60], timeScale: 1 })
    await ht.syncs.list()
    const aborter = new AbortController()
    const waiting = ht.syncs.list({}, { signal: aborter.signal }).then()
    await eventually(async () => (await ht.stats()).waiting.read === 1)
    aborter.abort(reason)
    await assert.rejects(waiting, (error) => error === reason)
    await eventually(async () => (await ht.stats()).waiting.read === 0)
    assert.equal((await logOf(sandbox, home)).length, 1)
  })

  test('while the connection is being made closes it', async () => {
    const closed: Promise<unknown>[] = []
    const mute = createServer((socket) => {
      socket.resume().on('error', () => undefined)
      closed.push(once(socket, 'close'))
    }).listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const { port } = mute.address() as AddressInfo
    const home = await world()
    await using ht = clientOf(home, { baseUrl: `https://127.0.0.1:${String(port)}/api/v1` })
    const aborter = new AbortController()
    const connecting = ht.syncs.list({}, { signal: aborter.signal }).then()
    await once(mute, 'connection')
    aborter.abort(reason)
    await assert.rejects(connecting, (error) => error === reason)
    await Promise.all(closed)
    mute.close()
  })

  test('before the answer ends the request', async () => {
    const home = await world(hanging)
    await using ht = clientOf(home)
    const aborter = new AbortController()
    const reading = ht.syncs.list({}, { signal: aborter.signal }).then()
    await arrived(home)
    aborter.abort(reason)
    await assert.rejects(reading, (error) => error === reason)
    await gone(home)
  })

  test('while the answer is being read ends the request', async () => {
    const home = await world({ script: [{ when: {}, answer: { trickle: { bytes: 10, everyMs: 100 } } }] })
    await using ht = clientOf(home)
    const aborter = new AbortController()
    const reading = ht.syncs.list({}, { signal: aborter.signal }).then()
    await arrived(home)
    setTimeout(() => {
      aborter.abort(reason)
    }, 300)
    await assert.rejects(reading, (error) => error === reason)
    await gone(home)
  })

  test('between two polls ends the wait and does not cancel the run', async () => {
    const home = await world({ runs: { seconds: 40 }, script: [STILL_RUNNING] })
    await using ht = clientOf(home)
    const run = await ht.syncs.trigger(1)
    const aborter = new AbortController()
    const waiting = run.wait({
      signal: aborter.signal,
      progress: () => {
        aborter.abort(reason)
      },
    })
    await assert.rejects(waiting, (error) => error === reason)
    assert.equal((await run.wait({ timeoutMs: 60_000 })).id, run.id)
  })

  test('between two states ends the iteration', async () => {
    const home = await world({ runs: { seconds: 40 }, script: [STILL_RUNNING] })
    await using ht = clientOf(home)
    const run = await ht.syncs.trigger(1)
    const aborter = new AbortController()
    const watch = async (): Promise<void> => {
      for await (const state of run.states({ signal: aborter.signal })) {
        assert.equal(state.id, run.id)
        aborter.abort(reason)
      }
    }
    await assert.rejects(watch(), (error) => error === reason)
  })

  test('between two pages ends the iteration', async () => {
    const home = await world({ syncs: 30 })
    await using ht = clientOf(home)
    const aborter = new AbortController()
    const pages = ht.syncs.list({ limit: 10 }, { signal: aborter.signal }).pages()
    assert.equal((await pages.next()).done, false)
    aborter.abort(reason)
    await assert.rejects(pages.next(), (error) => error === reason)
  })

  test('by AbortSignal.timeout rejects with the TimeoutError of Node', async () => {
    const home = await world(hanging)
    await using ht = clientOf(home)
    const signal = AbortSignal.timeout(50)
    await assert.rejects(ht.syncs.list({}, { signal }).then(), (error) => error === signal.reason)
    assert.equal((signal.reason as DOMException).name, 'TimeoutError')
  })

  test('after the call changes nothing, and the call has left no listener', async () => {
    const home = await world()
    await using ht = clientOf(home)
    const aborter = new AbortController()
    const onabort = test.mock.fn()
    aborter.signal.onabort = onabort
    const page = await ht.syncs.list({}, { signal: aborter.signal })
    assert.equal(getEventListeners(aborter.signal, 'abort').length, 1)
    assert.equal(aborter.signal.onabort, onabort)
    aborter.abort(reason)
    assert.equal(page.data.length, 3)
    assert.equal(onabort.mock.callCount(), 1)
  })

  test('of a signal that many calls share ends all of them without a warning', async () => {
    const home = await world(hanging)
    await using ht = clientOf(home)
    const warned = test.mock.fn()
    process.on('warning', warned)
    const aborter = new AbortController()
    const calls = Array.from({ length: 50 }, () =>
      ht.request('GET', '/syncs', {}, { signal: aborter.signal }),
    )
    await arrived(home)
    aborter.abort(reason)
    for (const { status } of await Promise.allSettled(calls)) assert.equal(status, 'rejected')
    assert.equal(getEventListeners(aborter.signal, 'abort').length, 0)
    await new Promise(setImmediate)
    process.off('warning', warned)
    assert.equal(warned.mock.callCount(), 0)
  })

  /** Incident: with a key function, a trigger was sent although it was aborted in the same tick. */
  test('in the same tick as the call sends nothing', async () => {
    const home = await world()
    for (const apiKey of [home.apiKey, () => home.apiKey, async () => Promise.resolve(home.apiKey)]) {
      await using ht = clientOf(home, { apiKey })
      await ht.syncs.get(1)
      const before = (await logOf(sandbox, home)).length
      const aborter = new AbortController()
      const call = ht.syncs.trigger(1, {}, { signal: aborter.signal })
      aborter.abort(reason)
      await assert.rejects(call, (error) => error === reason)
      await ht.syncs.get(1)
      assert.equal((await logOf(sandbox, home)).length, before + 1)
    }
  })
})

describe('stoppedCalls', () => {
  const { sandbox, world } = useSandbox()
  const hanging = { script: [{ when: {}, answer: { hang: true }, times: 1000 }] }

  /**
   * Sends `calls` triggers of sync 1. The server receives all requests and answers none; then the calls are aborted.
   */
  const aborted = async (
    why: unknown,
    calls: number,
    onEnd?: (end: CallEnd) => void,
  ): Promise<{ signal: AbortSignal; rejected: unknown[] }> => {
    const home = await world(hanging)
    await using ht = new Hightouch({ ...settingsOf(sandbox, home), onEnd })
    const aborter = new AbortController()
    const { signal } = aborter
    const pending = Array.from({ length: calls }, () => ht.syncs.trigger(1, {}, { signal }))
    await eventually(async () => (await logOf(sandbox, home)).length >= calls)
    aborter.abort(why)
    const rejected = (await Promise.allSettled(pending)).map(
      (ended) => (ended.status === 'rejected' ? ended.reason : 0) as unknown,
    )
    return { signal, rejected }
  }

  test('returns one error for each call that was aborted for a reason', async () => {
    const why = new Error('the user left')
    const ends: CallEnd[] = []
    const { signal, rejected } = await aborted(why, 2, (end) => ends.push(end))
    assert.deepEqual(rejected, [why, why])
    const errors = stoppedCalls(why)
    assert.equal(errors.length, 2)
    for (const error of errors) {
      assert(error instanceof CancelledError)
      assert.match(error.hint ?? '', /may/)
      assert(error.meta?.requestId)
      assert.equal(error.cause, why)
    }
    // The hook `onEnd` must get the same errors as `stoppedCalls` returns.
    assert.deepEqual(
      ends.map(({ error }) => error),
      errors,
    )
    assert.deepEqual(stoppedCalls(signal), errors)
  })

  test('takes the signal if the reason is a primitive', async () => {
    for (const why of ['a text', undefined, 7]) {
      const { signal, rejected } = await aborted(why, 1)
      assert.deepEqual(rejected, [signal.reason])
      assert.equal(stoppedCalls(signal).length, 1)
      assert.equal(stoppedCalls(why).length, 0)
    }
  })

  test('returns the token of the run that was waited for', async () => {
    const home = await world({ runs: { seconds: 3600 } })
    await using ht = new Hightouch(settingsOf(sandbox, home))
    const run = await ht.syncs.trigger(1)
    const aborter = new AbortController()
    const waiting = run.wait({ signal: aborter.signal })
    setTimeout(() => {
      aborter.abort(new Error('the user left'))
    }, 200)
    const why: unknown = await waiting.catch((thrown: unknown) => thrown)
    assert.deepEqual(
      stoppedCalls(why).map((error) => error.run),
      [run.token],
    )
  })

  test('returns nothing if no call was aborted', () => {
    for (const why of [new Error('another'), null, undefined, 'text', new AbortController().signal]) {
      assert.deepEqual(stoppedCalls(why), [])
    }
  })

  test('keeps the latest 1,000 errors of a reason', () => {
    const why = new Error('always the same')
    const error = new Cancelled({ kind: 'cancelled', message: 'It was cancelled.' })
    for (let more = 0; more < 1002; more++) modules.recordAborted(AbortSignal.abort(why), error)
    assert.equal(modules.stoppedCalls(why).length, 1000)
  })
})
