import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { Hightouch } from 'hightouch-sdk'

import { eventually, settingsOf, useSandbox } from './support.js'

// The test reads sources, because the sandbox writes sources three times as fast as syncs.
const SOURCES = 40_000
const MEGABYTE = 2 ** 20

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Collects garbage, and returns the bytes in use: in the JavaScript heap and by the whole process. */
function used(): { heap: number; rss: number } {
  collect()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}

describe('a list of 40,000 sources', () => {
  const { sandbox, world } = useSandbox()

  test('is iterated in constant memory', async () => {
    const wide = { requests: 100_000, seconds: 10 }
    const home = await world({ sources: SOURCES, limit: wide })
    await using ht = new Hightouch({ ...settingsOf(sandbox, home), limit: [wide.requests, wide.seconds] })
    let count = 0
    let early = { heap: 0, rss: 0 }
    for await (const { id } of ht.sources.list()) {
      count += 1
      assert.equal(id, count)
      if (count === SOURCES / 10) early = used()
    }
    const late = used()
    assert.equal(count, SOURCES)
    const grown = [late.heap - early.heap, late.rss - early.rss].map((bytes) => bytes / MEGABYTE)
    // If the rows were kept, the heap would grow by 17 MB and the process by 35 MB. The bound for the process is higher,
    // because the process can also grow for other reasons, such as the allocator.
    const [heap = NaN, rss = NaN] = grown
    assert(heap < 6 && rss < 30, `grew by ${grown.join(' and ')} MB`)
  })
})

describe('a client without references', () => {
  const { sandbox, world } = useSandbox()

  test('is garbage-collected with its key function, although it was not closed', async () => {
    const home = await world()
    const used = async (): Promise<WeakRef<object>[]> => {
      const apiKey = (): string => home.apiKey
      const ht = new Hightouch({ ...settingsOf(sandbox, home), apiKey })
      assert.equal((await ht.syncs.get(1)).id, 1)
      return [new WeakRef(ht), new WeakRef(apiKey)]
    }
    const held = await used()
    await eventually(async () => {
      collect()
      return Promise.resolve(held.every((one) => one.deref() === undefined))
    })
  })
})
