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
    // The page's own items need no request.
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
})
