import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import * as sdk from 'hightouch-sdk'

import { logOf, settingsOf, useSandbox } from './support.js'

describe('a list', () => {
  const { sandbox, world } = useSandbox()
  const ids = (from: number, to: number): number[] =>
    Array.from({ length: to - from + 1 }, (_none, index) => from + index)

  /** Incident: `for await (const sync of await ht.syncs.list())` ended after 100 of 1,000 syncs. */
  test('is iterated to its end if its first page was awaited', async () => {
    const home = await world({ syncs: 25 })
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const page = await ht.syncs.list({ limit: 10 })
    const seen: number[] = []
    for await (const { id } of page) seen.push(id)
    assert.deepEqual(seen, ids(1, 25))
    // A plain loop must yield only the page's own items, and send no request.
    assert.deepEqual(
      [...page].map(({ id }) => id),
      ids(1, 10),
    )
    const second = await page.next()
    assert(second)
    const rest: number[] = []
    for await (const { id } of second) rest.push(id)
    assert.deepEqual(rest, ids(11, 25))
  })

  test('does not fetch a page that is not needed', async () => {
    const home = await world({ syncs: 25 })
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    for await (const { id } of await ht.syncs.list({ limit: 10 })) if (id === 10) break
    assert.equal((await logOf(sandbox, home)).length, 1)
  })

  test('returns all items as an array, and the first one', async () => {
    const home = await world({ syncs: 25 })
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const list = ht.syncs.list({ limit: 10 })
    assert.equal((await list.first())?.id, 1)
    assert.equal((await logOf(sandbox, home)).length, 1)
    assert.deepEqual(
      (await list.toArray()).map(({ id }) => id),
      ids(1, 25),
    )
    assert.deepEqual(await ht.syncs.list({ slug: 'no-such-sync' }).toArray(), [])
    assert.equal(await ht.syncs.list({ slug: 'no-such-sync' }).first(), undefined)
  })

  test('returns as many items as are wanted, and fetches no page for more', async () => {
    const home = await world({ syncs: 25 })
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const idsOf = (items: sdk.Sync[]): number[] => items.map(({ id }) => id)
    assert.deepEqual(idsOf(await ht.syncs.list({ limit: 10 }).toArray({ max: 10 })), ids(1, 10))
    assert.equal((await logOf(sandbox, home)).length, 1)
    const taken: sdk.Sync[] = []
    for await (const sync of ht.syncs.list({ limit: 10 }).take(12)) taken.push(sync)
    assert.deepEqual(idsOf(taken), ids(1, 12))
    assert.equal((await logOf(sandbox, home)).length, 3)
    assert.deepEqual(await ht.syncs.list().toArray({ max: 0 }), [])
    assert.equal((await logOf(sandbox, home)).length, 3)
    assert.equal((await ht.syncs.list().toArray({ max: 99 })).length, 25)
    for (const wrong of [-1, 1.5, Number.NaN, '7'] as number[]) {
      assert.throws(() => ht.syncs.list().take(wrong), sdk.InvalidRequestError)
      await assert.rejects(ht.syncs.list().toArray({ max: wrong }), sdk.InvalidRequestError)
    }
    await assert.rejects(ht.syncs.list().toArray({ limit: 1 } as object), /Unknown option `limit`/)
  })

  /** Incident: an HTTP handler encoded a list without awaiting it, and so answered `{}`. */
  test('is encoded as JSON if it was read, and refused if not', async () => {
    await using ht = new sdk.Hightouch(settingsOf(sandbox, await world({ syncs: 3 })))
    const page = await ht.syncs.list({ limit: 2 })
    const { data, hasNext, meta } = page
    assert.deepEqual(JSON.parse(JSON.stringify(page)), JSON.parse(JSON.stringify({ data, hasNext, meta })))
    assert.throws(
      () => JSON.stringify({ syncs: ht.syncs.list() }),
      /has no items before it is read\. Write await/,
    )
  })
})
