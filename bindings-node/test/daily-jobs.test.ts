/**
 * Runs two programs of README.md: one runs several syncs, some of which fail; the other writes a week's runs to a file.
 */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'

import { tables } from 'hightouch-sdk'

import { emptyFolder, ROOT, useSandbox, type World } from './support.js'

/**
 * Writes the program of README.md that contains `marker` to a file in this package, so that the program's imports
 * resolve.
 */
function program(marker: string): string {
  const page = readFileSync(path.join(ROOT, 'README.md'), 'utf8')
  const blocks = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code)
  const [code, ...others] = blocks.filter((block) => block.includes(marker))
  assert(code !== undefined && others.length === 0)
  const folder = path.join(__dirname, 'daily-jobs')
  mkdirSync(folder, { recursive: true })
  const file = path.join(folder, `${marker}.mjs`)
  writeFileSync(file, code)
  return file
}

/** Runs a program in an empty folder. Returns its exit status, its standard error, and the path of the folder. */
async function run(
  file: string,
  home: World,
): Promise<{ status: number | null; said: string; folder: string }> {
  const folder = emptyFolder()
  const env = { ...process.env, HIGHTOUCH_API_KEY: home.apiKey, HIGHTOUCH_BASE_URL: home.httpBaseUrl }
  const child = spawn(process.execPath, [file], { env, cwd: folder, stdio: ['ignore', 'inherit', 'pipe'] })
  const [said] = await Promise.all([text(child.stderr), once(child, 'close')])
  return { status: child.exitCode, said, folder }
}

describe('a daily job', () => {
  const { world } = useSandbox()

  test('of five syncs of which two fail names both, and exits with 1', async () => {
    const slugs = ['orders-to-salesforce', 'sync-2', 'sync-3', 'sync-4', 'sync-5']
    const ends = {
      'sync-2': { status: 'failed', error: 'the destination refused the key' },
      'sync-4': { status: 'cancelled' },
    }
    const home = await world({ syncs: 5, pastRuns: 0, slugs, runs: { seconds: 1, bySlug: ends } })
    const { status, said } = await run(program('runMany'), home)
    assert.match(
      said,
      /^syncs\.runMany: 2 of 5 syncs did not succeed: sync 2 \(run \d+\): failed: the destination refused the key; sync 4 \(run \d+\): cancelled\.?$/m,
    )
    assert.equal(status, 1, said)
  })
  test('of a week reads the runs of every sync into a Parquet file, with every value', async () => {
    const home = await world({ syncs: 40, pastRuns: 3 })
    const after = new Date(Date.now() - 7 * 86_400_000).toISOString()
    const { status, said, folder } = await run(program('parquetWriteFile'), home)
    assert.equal(status, 0, said)
    const { asyncBufferFromFile, parquetReadObjects } = await import('hyparquet')
    const file = await asyncBufferFromFile(path.join(folder, 'runs.parquet'))
    const rows = await parquetReadObjects({ file })
    const expected = []
    for (const { id, slug } of await listed(home, '/syncs?limit=100'))
      for (const wire of await listed(home, `/syncs/${id}/runs?after=${after}`))
        expected.push({ syncId: BigInt(id), syncSlug: slug, ...cellsOf(wire) })
    assert(expected.length > 40)
    assert.deepEqual(rows, expected)
    assert.deepEqual(
      Object.keys(rows[0] ?? {}),
      tables.syncRuns.columns.map(({ name }) => name),
    )
  })
})

interface Wire {
  id: string
  slug: string
  status: string
  createdAt: string
  startedAt: string | null
  finishedAt: string | null
  querySize: number
  completionRatio: number
  plannedRows: Counts
  successfulRows: Counts
  failedRows: Counts
  error: string | null
}

interface Counts {
  addedCount: number
  changedCount: number
  removedCount: number
}

/** Fetches the items of a list from the API, without the SDK. */
async function listed(home: World, path: string): Promise<Wire[]> {
  const answer = await fetch(home.httpBaseUrl + path, { headers: { Authorization: `Bearer ${home.apiKey}` } })
  const page = (await answer.json()) as { data: Wire[]; hasMore: boolean }
  assert(answer.ok && !page.hasMore)
  return page.data
}

/** Returns the cells that the file must have for a run, given the run as the API returns it. */
function cellsOf(wire: Wire): Record<string, unknown> {
  const time = (text: string | null): Date | null => (text === null ? null : new Date(text))
  const [started, finished] = [time(wire.startedAt), time(wire.finishedAt)]
  const counts = (name: string, { addedCount, changedCount, removedCount }: Counts): object => ({
    [`${name}Added`]: BigInt(addedCount),
    [`${name}Changed`]: BigInt(changedCount),
    [`${name}Removed`]: BigInt(removedCount),
    [`${name}Total`]: BigInt(addedCount + changedCount + removedCount),
  })
  return {
    id: BigInt(wire.id),
    status: wire.status,
    createdAt: time(wire.createdAt),
    startedAt: started,
    finishedAt: finished,
    durationSeconds: started && finished && (finished.getTime() - started.getTime()) / 1000,
    querySize: BigInt(wire.querySize),
    completionRatio: wire.completionRatio,
    ...counts('planned', wire.plannedRows),
    ...counts('successful', wire.successfulRows),
    ...counts('failed', wire.failedRows),
    error: wire.error,
  }
}
