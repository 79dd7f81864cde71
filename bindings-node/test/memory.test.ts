import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { describe, test } from 'node:test'

import { settingsOf, useSandbox } from './support.js'

const SYNCS = 100_000
const MIB = 1 << 20

interface Measured {
  seen: number
  heapUsed: number
  rss: number
}

describe('the memory of a process', () => {
  const { sandbox, world } = useSandbox()

  test('does not grow with the list that it reads', async () => {
    const requests = 100_000
    const home = await world({ syncs: SYNCS, limit: { requests, seconds: 10 } })
    const settings = { ...settingsOf(sandbox, home), limit: [requests, 10] }
    // In a process of its own, whose memory is nobody else's.
    const script = `
      const { Hightouch } = require('hightouch-sdk')
      const measure = (seen) => {
        global.gc()
        const { heapUsed, rss } = process.memoryUsage()
        console.log(JSON.stringify({ seen, heapUsed, rss }))
      }
      ;(async () => {
        let seen = 0
        for await (const { id } of new Hightouch(${JSON.stringify(settings)}).syncs.list()) {
          seen += 1
          if (id !== seen) throw new Error(id + ' stands in the place of ' + seen)
          if (seen === ${String(SYNCS / 10)}) measure(seen)
        }
        measure(seen)
      })()`
    const child = spawn(process.execPath, ['--expose-gc', '-e', script], {
      cwd: path.resolve(__dirname, '..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let out = ''
    child.stdout.on('data', (part: Buffer) => (out += part.toString()))
    assert.deepEqual(await once(child, 'close'), [0, null])
    const [tenth, end] = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Measured)
    assert(tenth && end)
    assert.deepEqual([tenth.seen, end.seen], [SYNCS / 10, SYNCS])
    // The rest of the list is more than 100 MiB of JSON. What is resident never shrinks, so it is given more room.
    assert(end.heapUsed - tenth.heapUsed < 2 * MIB, out)
    assert(end.rss - tenth.rss < 40 * MIB, out)
  })
})
