import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import * as sdk from 'hightouch-sdk'

import { eventually, logOf, settingsOf, useSandbox, type LogEntry, type World } from './support.js'

describe('a batch', () => {
  const { sandbox, world: worldOf } = useSandbox()
  const reason = new Error('the user left')

  /** Creates a world with seven syncs. The runs of two syncs fail; the runs of a third sync end with a warning. */
  const world = (seconds = 20, readingRuns: object = {}): Promise<World> =>
    worldOf({
      script: [{ when: { operation: 'ListSyncRuns' }, answer: readingRuns, times: 1000 }],
      syncs: 7,
      pastRuns: 0,
      slugs: Array.from({ length: 7 }, (_, index) => `sync-${String(index + 1)}`),
      timeScale: 10,
      runs: {
        seconds,
        queuedSeconds: 0,
        bySlug: {
          'sync-2': { status: 'failed', error: 'the destination refused the key' },
          'sync-4': { status: 'failed' },
          'sync-5': { status: 'warning' },
        },
      },
    })
  const clientOf = (home: World, more: object = {}): sdk.Hightouch =>
    new sdk.Hightouch({ ...settingsOf(sandbox, home), ...more })
  const triggers = async (home: World): Promise<number> =>
    (await logOf(sandbox, home)).filter((request) => (request as { method?: string }).method === 'POST')
      .length
  const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => assert.fail('it did not reject'),
      (thrown: unknown) => thrown,
    )
  const outcomes = (items: readonly sdk.BatchItem[]) => items.map(({ outcome }) => outcome)
  const inProgress = (items: readonly sdk.BatchItem[]): string[] =>
    items.flatMap(({ runToken, outcome }) => (runToken !== undefined && !outcome ? [runToken] : []))

  test('of which some syncs fail rejects with one error that names every one', async () => {
    const home = await world()
    await using ht = clientOf(home)
    const batch = await ht.syncs.runMany(['sync-1', 'sync-2', 3, 'sync-4', 'no-such-sync'])
    const error = await thrownBy(batch.wait())
    assert(error instanceof sdk.RunFailedError, String(error))
    assert.match(error.message, /^syncs\.runMany: 3 of 5 syncs did not succeed: /)
    for (const part of [
      /sync "sync-2" \(run 900\d\): failed: the destination refused the key/,
      /sync "sync-4" \(run 900\d\): failed/,
      /sync "no-such-sync": no sync has this slug/,
    ])
      assert.match(error.message, part)
    assert.equal(error.result, undefined)
    assert(error.items)
    assert.deepEqual(
      error.items.map(({ index, sync, outcome }) => [index, sync, outcome]),
      [
        [1, 'sync-2', 'failure'],
        [3, 'sync-4', 'failure'],
        [4, 'no-such-sync', 'not_started'],
      ],
    )
    const [failed, , absent] = error.items
    assert.equal(failed?.state?.error, 'the destination refused the key')
    assert.deepEqual(
      [failed.syncId, failed.runId, failed.adopted, failed.joined],
      [2, failed.state.id, false, false],
    )
    assert.equal(failed.error, undefined)
    assert(absent?.error instanceof sdk.NotFoundError)
    assert.deepEqual(Object.keys(absent), ['index', 'sync', 'adopted', 'joined', 'outcome', 'error'])
    assert.deepEqual(outcomes(batch.items), ['success', 'failure', 'success', 'failure', 'not_started'])
    assert.equal(await triggers(home), 4)
    const { items } = JSON.parse(JSON.stringify(error)) as { items: object[] }
    assert.equal(items.length, 3)
  })

  test('returns or raises failures and warnings as the caller wants, and can be waited for again', async () => {
    const home = await world()
    await using ht = clientOf(home)
    const batch = await ht.syncs.runMany([4, 5, 6])
    const items = await batch.wait({ onFailure: 'return' })
    assert.deepEqual(outcomes(items), ['failure', 'warning', 'success'])
    const both = await thrownBy(batch.wait({ onWarning: 'raise' }))
    assert(both instanceof sdk.RunFailedError)
    assert.match(both.message, /: 2 of 3 syncs did not succeed: sync 4 \(run \d+\): failed; sync 5 \(run /)
    await assert.rejects(batch.wait(), /: 1 of 3 syncs did not succeed: sync 4 /)
    assert.deepEqual(await batch.wait({ onFailure: 'return' }), items)
    assert.equal(await triggers(home), 3)
  })

  test('yields each item as it ends, while others are in progress', async () => {
    const home = await world()
    await using ht = clientOf(home)
    const batch = await ht.syncs.runMany([1, 'no-such-sync', 'sync-2', 3], { atOnce: 2 })
    const seen: sdk.BatchItem[] = []
    let early = 0
    for await (const item of batch) {
      assert(item.outcome)
      if (outcomes(batch.items).includes(undefined)) early += 1
      seen.push(item)
    }
    // The item of the unknown slug ends first, although its slug was passed second.
    assert.equal(seen[0]?.sync, 'no-such-sync')
    assert(early >= 1)
    assert.deepEqual(seen.map(({ index }) => index).sort(), [0, 1, 2, 3])
    for (const item of seen) assert.equal(batch.items[item.index], item)
    // Another loop must start with the items that have already ended.
    const again: sdk.BatchItem[] = []
    for await (const item of batch) again.push(item)
    assert.deepEqual(again, seen)
    assert.equal((await batch.wait({ onFailure: 'return' })).length, 4)
  })

  test('has at most `atOnce` syncs in progress at a time, and reports each change', async () => {
    const home = await world()
    await using ht = clientOf(home)
    const batch = await ht.syncs.runMany([1, 2, 3, 4, 5, 6, 7], { atOnce: 2 })
    const running = new Set<number>()
    let most = 0
    let ended = 0
    const progress = ({ index, outcome }: sdk.BatchItem): void => {
      if (outcome) {
        running.delete(index)
        ended += 1
      } else running.add(index)
      most = Math.max(most, running.size)
    }
    await batch.wait({ progress, onFailure: 'return' })
    assert.deepEqual([most, ended], [2, 7])
  })

  test('passes its arguments to every trigger', async () => {
    const home = await world(36_000)
    await using ht = clientOf(home)
    const first = await ht.syncs.trigger(1)
    await using batch = await ht.syncs.runMany([1, 3], { ifRunning: 'join' })
    await eventually(async () => {
      await batch.wait({ timeoutMs: 0 }).catch(() => undefined)
      return inProgress(batch.items).length === 2
    })
    const [joined, started] = batch.items
    assert.deepEqual([joined?.joined, joined?.runId, started?.joined], [true, first.id, false])
    assert.equal((await ht.run(joined?.runToken ?? '')).id, first.id)
  })

  test('that does not end within the timeout says what is in progress, and can be waited for again', async () => {
    // The client learns that the runs have ended only once it has read a source.
    await using ht = clientOf(await world(1, { until: { operation: 'GetSource' } }))
    const batch = await ht.syncs.runMany([1, 3, 6], { atOnce: 2 })
    await eventually(async () => {
      await batch.wait({ timeoutMs: 10 }).catch(() => undefined)
      return inProgress(batch.items).length === 2
    })
    const error = await thrownBy(batch.wait({ timeoutMs: 1 }))
    assert(error instanceof sdk.WaitTimeoutError, String(error))
    assert.match(error.message, /3 of 3 syncs had not ended: 2 in progress, 1 not started/)
    const [item] = error.details?.value as { run: string }[]
    assert.equal((await ht.run(item?.run ?? '')).kind, 'sync')
    await ht.sources.get(1)
    assert.deepEqual(outcomes(await batch.wait({ timeoutMs: 2 ** 40 })), ['success', 'success', 'success'])
  })

  test('can be waited for and iterated over by several at a time', async () => {
    const home = await world()
    await using ht = clientOf(home)
    const batch = await ht.syncs.runMany([1, 2, 3, 6], { atOnce: 2 })
    const iterated = async (): Promise<number> => {
      let count = 0
      for await (const item of batch) count += Number(item.outcome !== undefined)
      return count
    }
    const [count, first, timedOut, failed, second] = await Promise.all([
      iterated(),
      batch.wait({ onFailure: 'return' }),
      thrownBy(batch.wait({ timeoutMs: 20 })),
      thrownBy(batch.wait()),
      iterated(),
    ])
    assert.deepEqual([count, second], [4, 4])
    assert.deepEqual(outcomes(first), ['success', 'failure', 'success', 'success'])
    assert(timedOut instanceof sdk.WaitTimeoutError, String(timedOut))
    assert(failed instanceof sdk.RunFailedError, String(failed))
  })

  test('gives every item to each of several waits and iterations, while short waits time out', async () => {
    const slugs = Array.from({ length: 12 }, (_, index) => `sync-${String(index + 1)}`)
    const runs = { seconds: 1, bySlug: { 'sync-12': { status: 'failed' } } }
    const home = await worldOf({
      syncs: 12,
      pastRuns: 0,
      slugs,
      timeScale: 1000,
      runs,
      limit: [100_000, 10],
    })
    await using ht = clientOf(home, { limit: [100_000, 10] })
    for (let round = 0; round < 30; round += 1) {
      const batch = await ht.syncs.runMany(slugs, { ifRunning: 'queue' })
      const waited = async (): Promise<sdk.BatchItem[]> => {
        const reported = new Map<number, sdk.BatchItem>()
        const progress = (item: sdk.BatchItem): unknown => reported.set(item.index, item)
        const error = await thrownBy(batch.wait({ progress }))
        assert(error instanceof sdk.RunFailedError, String(error))
        assert.deepEqual(
          error.items?.map(({ sync }) => sync),
          ['sync-12'],
        )
        return [...reported.values()]
      }
      const iterated = async (): Promise<sdk.BatchItem[]> => {
        const items: sdk.BatchItem[] = []
        for await (const item of batch) items.push(item)
        return items
      }
      const hurried = async (): Promise<sdk.BatchItem[]> => {
        for (;;) {
          const waiting = batch.wait({ timeoutMs: 1, onFailure: 'return' })
          const items = await waiting.catch((error: unknown) => {
            assert(error instanceof sdk.WaitTimeoutError, String(error))
          })
          if (items) return items
        }
      }
      const several = [waited(), iterated(), hurried(), iterated(), waited(), hurried(), iterated()]
      for (const items of await Promise.all(several)) {
        assert.deepEqual(
          items.map(({ index }) => index).sort((a, b) => a - b),
          [...slugs.keys()],
        )
        for (const { outcome, sync } of items)
          assert.equal(outcome, sync === 'sync-12' ? 'failure' : 'success')
      }
    }
  })

  test('is waited for within a timeout while another wait has none', async () => {
    await using ht = clientOf(await world(36_000))
    const batch = await ht.syncs.runMany([1])
    const patient = thrownBy(batch.wait())
    for (let nth = 0; nth < 3; nth += 1)
      await assert.rejects(batch.wait({ timeoutMs: 20 }), sdk.WaitTimeoutError)
    await batch.stop()
    assert((await patient) instanceof sdk.ClosedError)
  })

  test('that is stopped starts nothing more, and says which runs go on', async () => {
    const home = await world(36_000)
    await using ht = clientOf(home)
    const batch = await ht.syncs.runMany([1, 2, 3, 4, 5, 6, 7], { atOnce: 2 })
    await eventually(async () => (await triggers(home)) === 2)
    const waiting = thrownBy(batch.wait())
    const items = await batch.stop()
    assert.equal(inProgress(items).length, 2)
    assert.deepEqual(outcomes(items), Array(7).fill(undefined))
    assert.deepEqual(await batch.stop(), items)
    assert((await waiting) instanceof sdk.ClosedError, String(await waiting))
    for await (const item of batch) assert.fail(String(item.index))
    await assert.rejects(batch.wait(), { kind: 'closed' })
    assert.equal(await triggers(home), 2)
    // The end of an `await using` block stops a batch, as `stop` does.
    let kept: sdk.SyncBatch
    {
      await using other = await ht.syncs.runMany([1])
      kept = other
    }
    await assert.rejects(kept.wait(), { kind: 'closed' })
  })

  test('that a signal of the wait aborts is stopped, and stoppedCalls has the tokens of its runs', async () => {
    const home = await world(36_000)
    await using ht = clientOf(home)
    const batch = await ht.syncs.runMany([1, 'sync-2', 3], { atOnce: 2 })
    const aborter = new AbortController()
    const waiting = batch.wait({ signal: aborter.signal })
    const other = thrownBy(batch.wait())
    await eventually(async () => (await triggers(home)) === 2)
    aborter.abort(reason)
    await assert.rejects(waiting, (error) => error === reason)
    assert.equal(((await other) as sdk.HightouchError).kind, 'closed')
    const left = sdk.stoppedCalls(aborter.signal)
    assert.deepEqual(
      left.map(({ run }) => run),
      inProgress(batch.items),
    )
    assert.equal(left.length, 2)
    assert.match(
      left[1]?.message ?? '',
      /^syncs\.runMany: the batch was stopped while run \d+ of sync "sync-2" was in progress\.\nThe run goes on\./,
    )
    assert.equal(left[0]?.cause, reason)
    assert.equal((await ht.run(left[0].run ?? '')).kind, 'sync')
    assert.equal(await triggers(home), 2)
    await assert.rejects(batch.wait({ signal: aborter.signal }), (error) => error === reason)
  })

  test('that the signal of runMany aborts ends its iterations with the reason', async () => {
    const home = await world(36_000)
    await using ht = clientOf(home)
    const aborter = new AbortController()
    const { signal } = aborter
    const batch = await ht.syncs.runMany([1, 'no-such-sync'], {}, { signal })
    const iterate = async (): Promise<void> => {
      for await (const item of batch) {
        assert.equal(item.sync, 'no-such-sync')
        await eventually(async () => (await triggers(home)) === 1)
        aborter.abort(reason)
      }
    }
    await assert.rejects(iterate(), (error) => error === reason)
    await assert.rejects(batch.wait(), (error) => error === reason)
    assert.equal(sdk.stoppedCalls(reason).at(-1)?.run, batch.items[0]?.runToken)
    // A request that reads the run may be logged late, after it was aborted.
    const sent = async (): Promise<number> =>
      (await logOf(sandbox, home)).filter(({ operation }) => operation !== 'ListSyncRuns').length
    const before = await sent()
    await assert.rejects(ht.syncs.runMany([1], {}, { signal }), (error) => error === reason)
    // An abort after the batch has ended must change nothing.
    const late = new AbortController()
    const ended = await ht.syncs.runMany(['no-such-sync'], {}, { signal: late.signal })
    await ended.wait({ onFailure: 'return' })
    late.abort(reason)
    assert.deepEqual(outcomes(await ended.wait({ onFailure: 'return' })), ['not_started'])
    assert.equal(await sent(), before + 1)
  })

  test('with a wrong argument or option is refused, and nothing is sent', async () => {
    const home = await world()
    await using ht = clientOf(home)
    const refused = (named: RegExp) => (error: unknown) =>
      error instanceof sdk.InvalidRequestError && named.test(error.message)
    const run = ht.syncs.runMany.bind(ht.syncs) as (...args: unknown[]) => Promise<unknown>
    const cases: [unknown[], RegExp][] = [
      [[['sync-1', 'no slug']], /^syncs\.runMany: sync "no slug": `sync` cannot be a slug/],
      [['sync-1'], /syncs/],
      [[], /syncs/],
      [[[1], { atOnce: 0 }], /^syncs\.runMany: `atOnce` must be at least 1/],
      [[[1], { atOnce: 1.5 }], /atOnce/],
      [[[1], { at_once: 2 }], /at_once.*`atOnce`/],
      [[[1], {}, { timeout: 1 }], /^syncs\.runMany: unknown option `timeout`; did you mean `timeoutMs`\?/],
    ]
    for (const [args, named] of cases) await assert.rejects(run(...args), refused(named))
    assert.deepEqual(await logOf(sandbox, home), [])
    const batch = await ht.syncs.runMany([])
    await assert.rejects(batch.wait({ timeout: 1 } as object), refused(/^Unknown option `timeout`/))
    await assert.rejects(batch.wait({ timeoutMs: -1 }), refused(/option `timeoutMs`/))
    await assert.rejects(batch.wait({ signal: new AbortController() as never }), refused(/option `signal`/))
    assert.deepEqual(await batch.wait(), [])
    const raw = ht.syncs.withRawResponse as unknown as { runMany: (syncs: number[]) => Promise<unknown> }
    await assert.rejects(raw.runMany([1]), refused(/a batch has no raw response/))
  })

  test('of a client that is closed ends with an error for each sync', async () => {
    const home = await world(36_000)
    const ht = clientOf(home)
    const batch = await ht.syncs.runMany([1, 3, 6], { atOnce: 2 })
    const waiting = thrownBy(batch.wait())
    await eventually(() => Promise.resolve(inProgress(batch.items).length === 2))
    await ht.close()
    const error = await waiting
    assert(error instanceof sdk.RunFailedError, String(error))
    assert.match(error.message, /3 of 3 syncs did not succeed/)
    assert.deepEqual(
      error.items?.map((item) => item.error?.kind),
      ['closed', 'closed', 'closed'],
    )
    await assert.rejects(ht.syncs.runMany([1]), sdk.ClosedError)
  })

  test('ends after the first refusals of a key, because all syncs would meet them', async () => {
    const home = await world()
    await using ht = clientOf(home, { apiKey: 'wrong-key-0123456789abcdef0123456789ab' })
    const batch = await ht.syncs.runMany([1, 2, 3, 4, 5, 6, 7], { atOnce: 2 })
    const items = await batch.wait({ onFailure: 'return' })
    for (const { error } of items) assert(error instanceof sdk.AuthenticationError)
    assert.equal(await triggers(home), 2)
  })

  test('that is garbage-collected starts nothing more, also if a signal can stop it', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    // The batch waits for an answer that never comes. Its request ends only if the batch is stopped.
    const home = await world(1, { hang: true })
    const received = (wanted: (request: LogEntry) => boolean): Promise<boolean> =>
      eventually(async () => (await logOf(sandbox, home)).some(wanted))
    await using ht = clientOf(home, { timeoutMs: 600_000 })
    const { signal } = new AbortController()
    const abandon = async (): Promise<WeakRef<sdk.SyncBatch>> => {
      const batch = await ht.syncs.runMany([1, 2, 3], { atOnce: 1 }, { signal })
      await received(({ operation }) => operation === 'ListSyncRuns')
      return new WeakRef(batch)
    }
    const batch = await abandon()
    await eventually(async () => {
      collect()
      await new Promise(setImmediate)
      return batch.deref() === undefined
    })
    await received(({ gone_ms }) => gone_ms !== undefined)
    // If the batch went on, its next trigger would be sent before this request.
    await ht.syncs.get(1)
    assert.equal(await triggers(home), 1)
  })
})
