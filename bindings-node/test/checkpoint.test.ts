import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'

import * as sdk from 'hightouch-sdk'

import { emptyFolder, logOf, settingsOf, useSandbox, type World } from './support.js'

describe('the checkpoint of a batch', () => {
  const { sandbox, world: worldOf } = useSandbox()
  const folder = emptyFolder()

  const world = (more: object = {}): Promise<World> =>
    worldOf({ syncs: 7, pastRuns: 0, runs: { seconds: 20, queuedSeconds: 0 }, ...more })
  const clientOf = (home: World): sdk.Hightouch => new sdk.Hightouch(settingsOf(sandbox, home))
  const triggers = async (home: World): Promise<number> =>
    (await logOf(sandbox, home)).filter((request) => (request as { method?: string }).method === 'POST')
      .length
  const outcomes = (items: readonly sdk.BatchItem[]) => items.map(({ outcome }) => outcome)

  test('resumes a batch, which starts only what was not started', async () => {
    const home = await world()
    const path = join(folder, 'resumed.jsonl')
    await using ht = clientOf(home)
    const batch = await ht.syncs.runMany([1, 2, 3], { atOnce: 1, checkpoint: path })
    for await (const item of batch) {
      assert.equal(item.outcome, 'success')
      break
    }
    await batch.stop()
    const again = await ht.syncs.runMany([1, 2, 3], { checkpoint: pathToFileURL(path) })
    assert.deepEqual(outcomes(await again.wait()), ['success', 'success', 'success'])
    assert.equal(await triggers(home), 3)
    assert.equal(readFileSync(path, 'utf8').includes(home.apiKey), false)
  })

  test('says what is unknown, and starts it again only if asked', async () => {
    const lost = { when: { operation: 'TriggerRun', nth: 1 }, answer: { reset: 'before-headers' } }
    const home = await world({ script: [lost] })
    const checkpoint = join(folder, 'unknown.jsonl')
    await using ht = clientOf(home)
    for (const [retryUnknown, outcome, sent] of [
      [false, 'unknown', 1],
      [undefined, 'unknown', 1],
      [true, 'success', 2],
    ] as const) {
      const batch = await ht.syncs.runMany([1], { checkpoint, retryUnknown })
      const [item] = await batch.wait({ onFailure: 'return' })
      assert.deepEqual([item?.outcome, await triggers(home)], [outcome, sent])
      assert.equal(item?.error instanceof sdk.OutcomeUnknownError, outcome === 'unknown')
    }
  })

  test('that cannot be used is refused before anything is sent', async () => {
    const home = await world()
    await using ht = clientOf(home)
    await assert.rejects(ht.syncs.runMany([1], { checkpoint: folder }), (error) => {
      assert(error instanceof sdk.InvalidRequestError)
      assert.equal(error.code, 'checkpoint')
      assert.match(
        error.message,
        /^syncs\.runMany: the checkpoint .* is a directory, and must be a file\. Nothing /,
      )
      return true
    })
    await assert.rejects(
      ht.syncs.runMany([1], { retryFailed: true }),
      /`retryUnknown` and `retryFailed` need a `checkpoint`/,
    )
    assert.equal(await triggers(home), 0)
  })

  test('is not needed to wait for a batch that ended and was stopped', async () => {
    const home = await world({ runs: { seconds: 1, status: 'failed' } })
    await using ht = clientOf(home)
    const batch = await ht.syncs.runMany([1])
    await batch.wait({ onFailure: 'return' })
    const items = await batch.stop()
    assert.deepEqual(await batch.wait({ onFailure: 'return' }), items)
    await assert.rejects(batch.wait(), sdk.RunFailedError)
    const ended: sdk.BatchItem[] = []
    for await (const item of batch) ended.push(item)
    assert.deepEqual(ended, items)
  })

  test('and the syncs of a batch are counted by an estimate, which sends nothing', async () => {
    const home = await world()
    await using ht = clientOf(home)
    const told = await ht.syncs.estimateMany(['no-such-sync', 2], { atOnce: 1, runTimeMs: 60_000 })
    const { durationMs, ...counts } = told
    assert.deepEqual(counts, { lookups: 1, triggers: 2, looks: 2, requests: 5 })
    assert.equal(durationMs, 120_000 / home.timeScale)
    assert.deepEqual(await logOf(sandbox, home), [])
    await assert.rejects(
      ht.syncs.estimateMany(['no slug']),
      /^InvalidRequestError: syncs\.estimateMany: sync "no slug"/,
    )
  })
})
