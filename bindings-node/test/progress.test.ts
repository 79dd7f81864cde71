import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'

import * as sdk from 'hightouch-sdk'

import { settingsOf, STILL_RUNNING, useSandbox } from './support.js'

/** Returns the lines that a terminal shows after `text`, which may move the cursor up and clear the lines below it. */
function screen(text: string): string[] {
  const lines = ['']
  let row = 0
  for (const part of text.split(/(\n|\x1b\[\d*[A-Z])/)) {
    const up = /^\x1b\[(\d+)A$/.exec(part)
    if (up) {
      row -= Number(up[1])
      assert(row >= 0, 'the cursor left the lines that the package wrote')
    } else if (part === '\x1b[J') lines.splice(row, Infinity, '')
    else if (part === '\n') lines[(row += 1)] ??= ''
    else {
      assert(!part.includes('\x1b'), `an unknown sequence: ${JSON.stringify(part)}`)
      lines[row] = String(lines[row]) + part
    }
  }
  assert.equal(lines[row], '', 'the cursor is at the start of a line')
  return lines.slice(0, -1)
}

/** Replaces the time at the start of each line by `T`. */
function untimed(lines: string[]): string[] {
  return lines.map((line) => line.replace(/^\d+:\d\d {2}/, 'T  '))
}

describe('the progress of a wait', () => {
  const { sandbox, world } = useSandbox()
  const { isTTY, columns, rows } = process.stderr
  const write = process.stderr.write.bind(process.stderr)
  let written = ''
  const frames: string[] = []
  let listeners = 0

  beforeEach(() => {
    written = ''
    frames.length = 0
    listeners = 0
    Object.assign(process.stderr, {
      isTTY: true,
      columns: 60,
      rows: 10,
      write(text: string, done?: (error: null) => void) {
        written += text
        frames.push(...untimed(screen(written)))
        if (done) setImmediate(done, null)
        listeners = Math.max(listeners, process.stderr.listenerCount('error'))
        return true
      },
    })
  })
  afterEach(() => Object.assign(process.stderr, { write, isTTY, columns, rows }))

  const quick = { syncs: 7, pastRuns: 0, timeScale: 20, slugs: ['a', 'b', 'c'], runs: { seconds: 20 } }

  test('of a run is one line that changes in place and then stays', async () => {
    const home = await world({ ...quick, script: [STILL_RUNNING] })
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const run = await ht.syncs.trigger(7)
    const { status } = await run.wait({ progress: true })
    assert.equal(status, 'success')
    const lines = untimed(screen(written))
    assert.equal(lines.length, 1)
    assert.match(
      String(lines[0]),
      new RegExp(`^T {2}run ${String(run.id)} of sync 7: success, [\\d,]+ of [\\d,]+ rows$`),
    )
    // The same line must have shown earlier states.
    assert(
      frames.some((line) => /: (queued|querying|processing|reporting),/.test(line)),
      frames.join('\n'),
    )
  })

  test('of two runs at once has a line for each', async () => {
    await using ht = new sdk.Hightouch(settingsOf(sandbox, await world(quick)))
    const runs = [
      await ht.syncs.trigger(1),
      await ht.syncs.trigger(2),
      await ht.syncSequences.trigger('nightly'),
    ]
    await Promise.all(runs.map(async (run) => run.wait({ progress: true, onFailure: 'return' })))
    const lines = untimed(screen(written))
    assert.deepEqual(
      lines.map((line) => line.replace(/:.*/, '')).sort(),
      runs
        .map(
          (run, nth) =>
            `T  run ${String(run.id)} of ${nth === 2 ? 'sequence nightly' : `sync ${String(nth + 1)}`}`,
        )
        .sort(),
    )
  })

  test('is shown nowhere but on a terminal, and as lines if these are asked for', async () => {
    await using ht = new sdk.Hightouch(settingsOf(sandbox, await world(quick)))
    const run = await ht.syncs.trigger(7)
    Object.assign(process.stderr, { isTTY: false })
    await run.wait({ progress: true })
    await run.wait({ progress: false })
    assert.equal(written, '')
    await run.wait({ progress: 'log' })
    assert.match(written, new RegExp(`^run ${String(run.id)} of sync 7: success, .* rows\\n$`))
    const dumb = process.env.TERM
    Object.assign(process.stderr, { isTTY: true })
    process.env.TERM = 'dumb'
    await run.wait({ progress: true })
    if (dumb === undefined) delete process.env.TERM
    else process.env.TERM = dumb
    assert.equal(written.split('\n').length, 2)
  })

  test('ends its line if the wait fails, also by a timeout or an abort', async () => {
    const failing = {
      ...quick,
      runs: { seconds: 20, status: 'failed', error: 'no \x1b[31mred\r\n\u202e' + 'x'.repeat(99) },
      script: [{ ...STILL_RUNNING, times: 2 }],
    }
    await using ht = new sdk.Hightouch(settingsOf(sandbox, await world(failing)))
    const run = await ht.syncs.trigger(7)
    await assert.rejects(run.wait({ progress: true, timeoutMs: 0 }), sdk.WaitTimeoutError)
    screen(written)
    const aborting = new AbortController()
    const waiting = run.wait({ progress: true, signal: aborting.signal })
    setImmediate(() => {
      aborting.abort()
    })
    await assert.rejects(waiting, { name: 'AbortError' })
    screen(written)
    written = ''
    await assert.rejects(run.wait({ progress: true }), sdk.RunFailedError)
    const lines = screen(written)
    // The error text of the run is shown without its control sequences.
    assert.equal(lines.length, 1)
    assert.match(String(lines[0]), /: failed, .*, no red x/)
  })

  /** Incident: a progress function that threw ended the wait. */
  test('survives a function that throws, beside lines of another wait', async () => {
    await using ht = new sdk.Hightouch(settingsOf(sandbox, await world(quick)))
    const run = await ht.syncs.trigger(7)
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    const throwing = (): never => {
      throw new Error('mine')
    }
    await Promise.all([run.wait({ progress: throwing }), run.wait({ progress: true })])
    assert.match(
      (await warned).message,
      /The progress function of a wait of hightouch-sdk failed: Error: mine/,
    )
    const shown = written.slice(0, written.lastIndexOf('rows\n') + 5)
    assert.match(String(untimed(screen(shown)).at(-1)), /^T {2}run \d+ of sync 7: success, /)
    // Node.js writes a warning in a later tick. The next test must not find it among its lines.
    await new Promise(setImmediate)
  })

  test('of a batch counts the syncs, shows those in progress, and keeps those that failed', async () => {
    const runs = { ...quick.runs, bySlug: { c: { status: 'failed', error: 'no access' } } }
    await using ht = new sdk.Hightouch(settingsOf(sandbox, await world({ ...quick, runs })))
    const batch = await ht.syncs.runMany([1, 2, 3, 'no-such-sync', 5], { atOnce: 2 })
    const items = await batch.wait({ progress: true, onFailure: 'return' })
    assert.deepEqual(JSON.parse(JSON.stringify(batch)), JSON.parse(JSON.stringify(items)))
    const lines = untimed(screen(written))
    const last = lines.pop()
    const failed = items.filter(({ outcome }) => outcome !== 'success')
    assert.equal(last, `T  5 of 5 syncs ended, ${String(failed.length)} of them failed, 0 in progress`)
    assert.equal(lines.length, failed.length)
    assert(
      lines.some((line) => line.startsWith('sync "no-such-sync": not started: ')),
      lines.join('\n'),
    )
    assert(
      frames.some((line) => /^T {2}sync \d, run \d+: /.test(line)),
      frames.join('\n'),
    )
  })

  test('has no more lines than the terminal', async () => {
    Object.assign(process.stderr, { rows: 5, columns: 30 })
    await using ht = new sdk.Hightouch(settingsOf(sandbox, await world({ ...quick, syncs: 9 })))
    const batch = await ht.syncs.runMany([1, 2, 3, 4, 5, 6, 7, 8, 9])
    await batch.wait({ progress: true, onFailure: 'return' })
    let drawn = 0
    for (const [, up] of written.matchAll(/\x1b\[(\d+)A/g)) drawn = Math.max(drawn, Number(up))
    assert.equal(drawn, 3)
    // Incident: each write had a listener of its own, and Node.js warned of a leak.
    assert.equal(listeners, 1)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(process.stderr.listenerCount('error'), 0)
    assert(frames.some((line) => /^and \d more$/.test(line)))
    // Lines that change are cut to the width of the terminal.
    const changing = frames.filter((line) => line.startsWith('T') && !line.endsWith(', 0 in progress'))
    assert(changing.some((line) => line.endsWith('…')))
    assert(changing.every((line) => line.length < 30))
  })

  test('is refused if it is anything else', async () => {
    await using ht = new sdk.Hightouch(settingsOf(sandbox, await world(quick)))
    const run = await ht.syncs.trigger(7)
    const progress = 'yes' as 'log'
    await assert.rejects(
      run.wait({ progress }),
      /option `progress` must be true, false, 'log' or a function\./,
    )
  })
})
