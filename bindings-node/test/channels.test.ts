/** Tests the ids of calls, the headers that hooks add, and the tracing channel of the package. */

import assert from 'node:assert/strict'
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'

import * as sdk from 'hightouch-sdk'

import { logOf, ROOT, settingsOf, useSandbox, type World } from './support.js'

const CHANNEL = 'tracing:hightouch-sdk:call'
const EVENTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const

interface Told {
  event: (typeof EVENTS)[number]
  call: sdk.CallContext
  /** The names of the members that `call` had when the event was published. Later events can add members. */
  members: string[]
}

/** Subscribes to all events while `run` runs, and returns them in their order. */
async function during(run: () => Promise<unknown>): Promise<Told[]> {
  const told: Told[] = []
  const listeners = EVENTS.map((event) => {
    const listener = (message: unknown): void => {
      const call = message as sdk.CallContext
      told.push({ event, call, members: Object.keys(call) })
    }
    subscribe(`${CHANNEL}:${event}`, listener)
    return [event, listener] as const
  })
  try {
    await run()
  } finally {
    for (const [event, listener] of listeners) unsubscribe(`${CHANNEL}:${event}`, listener)
  }
  return told
}

describe('observing calls', () => {
  const { sandbox, world } = useSandbox()
  const clientOf = (home: World, hooks: sdk.CallHooks = {}): sdk.Hightouch =>
    new sdk.Hightouch({ ...settingsOf(sandbox, home), ...hooks })
  const headersOf = async (home: World): Promise<Record<string, string>[]> =>
    (await logOf(sandbox, home)).map(({ headers }) => headers)

  test('gives the start, the end and the meta of a call one id', async () => {
    const home = await world({ slugs: ['orders'], runs: { seconds: 1 } })
    const starts: sdk.CallStart[] = []
    const ends: sdk.CallEnd[] = []
    await using ht = clientOf(home, {
      onStart: (start) => starts.push(start),
      onEnd: (end) => ends.push(end),
    })
    const run = await ht.syncs.trigger('orders')
    await run.wait()
    await assert.rejects(ht.syncs.get(999))
    await ht.diagnose()
    await Promise.all([1, 2, 3].map((id) => ht.syncs.get(id)))
    assert.equal(new Set(starts.map(({ callId }) => callId)).size, starts.length)
    for (const { callId, operation, resource, sync } of starts) {
      const [end, ...others] = ends.filter((one) => one.callId === callId)
      assert.deepEqual(others, [])
      assert.deepEqual([end?.operation, end?.resource, end?.sync], [operation, resource, sync])
      const { meta } = end ?? {}
      assert.deepEqual(
        [meta?.callId, meta?.operation, meta?.resource, meta?.sync],
        [callId, operation, resource, sync],
      )
    }
    const address = new URL(home.baseUrl)
    const { callId, headers, startedMs = 0, ...trigger } = starts[0] ?? {}
    assert(Math.abs(Date.now() - startedMs) < 60_000)
    assert.match(String(callId), /^[0-9a-f]{32}$/)
    assert.deepEqual(headers, {})
    assert.deepEqual(trigger, {
      operation: 'syncs.trigger',
      operationId: 'TriggerRunCustom',
      resource: 'sync "orders"',
      sync: 'orders',
      httpMethod: 'POST',
      urlTemplate: '/syncs/trigger',
      serverAddress: address.hostname,
      serverPort: Number(address.port),
    })
  })

  test('sends the headers that a hook and a subscriber want with all requests of a call', async () => {
    const home = await world({ slugs: ['orders'] })
    const traced = tracingChannel<unknown, sdk.CallContext>('hightouch-sdk:call')
    const add = (message: unknown): void => {
      ;(message as sdk.CallContext).headers['x-subscriber'] = 'yes'
    }
    await using ht = clientOf(home, {
      onStart: ({ callId, headers }) => {
        headers.traceparent = `00-${callId}-00f067aa0ba902b7-01`
        delete headers['x-taken-away']
      },
    })
    const given = { 'x-kept': 'yes', 'x-taken-away': 'yes' }
    await ht.syncs.trigger('orders', {}, { headers: given })
    subscribe(`${CHANNEL}:start`, add)
    assert(traced.hasSubscribers)
    await ht.syncs.get(1, { headers: given })
    unsubscribe(`${CHANNEL}:start`, add)
    const sent = await headersOf(home)
    assert.equal(sent.length, 3)
    assert.equal(sent[0]?.traceparent, sent[1]?.traceparent)
    assert.notEqual(sent[0]?.traceparent, sent[2]?.traceparent)
    for (const headers of sent) {
      assert.match(String(headers.traceparent), /^00-[0-9a-f]{32}-00f067aa0ba902b7-01$/)
      assert.deepEqual([headers['x-kept'], headers['x-taken-away']], ['yes', undefined])
    }
    assert.deepEqual(
      sent.map((headers) => headers['x-subscriber']),
      [undefined, undefined, 'yes'],
    )
    assert.deepEqual(given, { 'x-kept': 'yes', 'x-taken-away': 'yes' })
  })

  test('refuses a header of a hook that the option may not set either', async () => {
    const home = await world()
    for (const name of ['Authorization', 'X-Request-Id', 'a b']) {
      const ends: sdk.CallEnd[] = []
      await using ht = clientOf(home, {
        onStart: ({ headers }) => {
          headers[name] = 'x'
        },
        onEnd: (end) => ends.push(end),
      })
      await assert.rejects(ht.syncs.get(1), sdk.InvalidRequestError)
      assert.equal(ends[0]?.error?.kind, 'invalid_request')
    }
    await using ht = clientOf(home, {
      onStart: ({ headers }) => {
        Object.assign(headers, { 'x-number': 7 })
      },
    })
    await assert.rejects(ht.syncs.get(1), sdk.InvalidRequestError)
    assert.deepEqual(await headersOf(home), [])
  })

  test('tells subscribers of a call that succeeds and of one that fails', async () => {
    await using ht = clientOf(await world())
    const good = await during(() => ht.syncs.get(1))
    assert.deepEqual(
      good.map(({ event }) => event),
      ['start', 'end', 'asyncStart', 'asyncEnd'],
    )
    const [start] = good
    assert(start && good.every(({ call }) => call === start.call))
    assert(!start.members.includes('result'))
    assert.deepEqual([start.call.operation, start.call.sync], ['syncs.get', '1'])
    assert.equal(start.call.result?.callId, start.call.callId)
    assert.deepEqual(
      start.call.result.attempts.map(({ status }) => status),
      [200],
    )
    const bad = await during(() => assert.rejects(ht.syncs.get(999), sdk.NotFoundError))
    assert.deepEqual(
      bad.map(({ event }) => event),
      ['start', 'end', 'error', 'asyncStart', 'asyncEnd'],
    )
    assert(bad[0]?.call.error instanceof sdk.NotFoundError)
    assert.equal(bad[0].call.error.meta?.callId, bad[0].call.callId)
  })

  test('tells subscribers of an aborted call its error, and rejects with the reason', async () => {
    const home = await world({ script: [{ when: {}, answer: { hang: true } }] })
    await using ht = clientOf(home)
    const signal = AbortSignal.timeout(50)
    const told = await during(() =>
      assert.rejects(ht.syncs.get(1, { signal }), (thrown) => thrown === signal.reason),
    )
    assert.equal(told.at(-1)?.event, 'asyncEnd')
    assert.equal(told.at(-1)?.call.error?.kind, 'cancelled')
  })

  const batched = (): Promise<World> =>
    world({ syncs: 3, pastRuns: 0, slugs: ['orders'], timeScale: 50, runs: { seconds: 1 } })

  test('calls hooks for each request of a batch, with the headers of the call that started it', async () => {
    const home = await batched()
    const starts: sdk.CallStart[] = []
    const ends: sdk.CallEnd[] = []
    const before = Date.now()
    await using ht = clientOf(home, {
      onStart: (start) => {
        starts.push(start)
        if (start.operation === 'syncs.runMany') start.headers.traceparent = `00-${start.callId}`
      },
      onEnd: (end) => ends.push(end),
    })
    const batch = await ht.syncs.runMany(['orders', 2, 999])
    await assert.rejects(batch.wait(), sdk.RunFailedError)
    const [first, ...requests] = starts
    assert.equal(first?.operation, 'syncs.runMany')
    assert.deepEqual(
      starts.map(({ callId }) => callId),
      ends.map(({ callId }) => callId),
    )
    const sent = await headersOf(home)
    assert(sent.every(({ traceparent }) => traceparent === `00-${first.callId}`))
    assert.deepEqual(
      ends
        .slice(1)
        .map(({ meta }) => meta?.requestId)
        .sort(),
      sent.map((headers) => headers['x-request-id']).sort(),
    )
    for (const [index, start] of requests.entries()) {
      const end = ends[index + 1]
      assert.deepEqual(
        [start.batchCallId, start.headers],
        [first.callId, { traceparent: `00-${first.callId}` }],
      )
      assert.deepEqual([end?.operation, end?.sync], [start.operation, start.sync])
      assert(start.startedMs >= before - 1 && start.startedMs <= Date.now())
      assert.equal(end?.meta?.attempts.length, 1)
      assert(end.meta.waitedMs >= 0)
    }
    const triggers = requests.filter(({ operation }) => operation === 'syncs.trigger')
    assert.deepEqual(triggers.map(({ sync }) => sync).sort(), ['2', '999', 'orders'])
    assert(requests.some(({ operation, resource }) => operation === 'run' && resource?.startsWith('run ')))
    assert.deepEqual(
      ends.filter(({ error }) => error).map(({ error }) => error?.kind),
      ['not_found'],
    )
  })

  test('tells subscribers of each request of a batch, and a hook that throws changes nothing', async () => {
    const home = await batched()
    await using ht = clientOf(home)
    const told = await during(async () => {
      const batch = await ht.syncs.runMany([1, 999])
      await batch.wait({ onFailure: 'return' })
    })
    const sent = (await headersOf(home)).length
    const count = (event: string): number => told.filter((one) => one.event === event).length
    assert.deepEqual([count('start'), count('asyncEnd'), count('error')], [sent + 1, sent + 1, 1])
    const fails = (): never => {
      throw new Error('a defect')
    }
    const warnings: Error[] = []
    const warn = (warning: Error): unknown => warnings.push(warning)
    process.on('warning', warn)
    await using broken = clientOf(await batched(), { onStart: fails, onEnd: fails })
    const items = await (await broken.syncs.runMany([1, 2])).wait()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', warn)
    assert.deepEqual(
      items.map(({ outcome }) => outcome),
      ['success', 'success'],
    )
    assert(warnings.length > 4 && warnings.every(({ name }) => name === 'HightouchHookWarning'))
  })

  test('tells the requests of a batch that is stopped', async () => {
    const home = await world({ syncs: 1, pastRuns: 0, runs: { seconds: 100_000 } })
    const ends: sdk.CallEnd[] = []
    await using ht = clientOf(home, { onEnd: (end) => ends.push(end) })
    const batch = await ht.syncs.runMany([1])
    while ((await headersOf(home)).length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await batch.stop()
    assert(ends.some(({ operation }) => operation === 'syncs.trigger'))
  })

  test('costs nothing if nobody observes', async () => {
    const folder = path.join(ROOT, 'bindings-node', 'prebuilt')
    const [file = ''] = readdirSync(folder)
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const { Engine } = require(path.join(folder, file)) as {
      Engine: { prototype: { announce: (...args: unknown[]) => string } }
    }
    const { announce } = Engine.prototype
    let announced = 0
    Engine.prototype.announce = function (...args) {
      announced += 1
      return announce.apply(this, args)
    }
    try {
      const home = await world()
      await using ht = clientOf(home)
      await ht.syncs.get(1)
      assert.equal(announced, 0)
      await during(() => ht.syncs.get(1))
      assert.equal(announced, 1)
    } finally {
      Engine.prototype.announce = announce
    }
  })
})
