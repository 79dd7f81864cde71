import assert from 'node:assert/strict'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { describe, test } from 'node:test'

import * as sdk from 'hightouch-sdk'

import { emptyFolder, eventually, logOf, settingsOf, useSandbox, type World } from './support.js'

const DIGITS = '{"id":123456789012345678901234567890,"mode":"insert"}'

describe('records', () => {
  const { sandbox, world } = useSandbox()
  const clientOf = (home: World): sdk.Hightouch => new sdk.Hightouch(settingsOf(sandbox, home))

  test('have the columns of their table, in order, and the values of their item', async () => {
    await using ht = clientOf(await world({ syncs: 3, pastRuns: 3 }))
    const run = await ht.syncs.runs(2).first()
    const record = (await ht.syncs.runs(2)).records()[0]
    assert(record)
    assert(run?.finishedAt !== undefined && run.startedAt !== undefined)
    assert.deepEqual(record, {
      syncId: 2,
      syncSlug: null,
      id: run.id,
      status: run.status,
      createdAt: run.createdAt,
      startedAt: run.startedAt,
      finishedAt: run.finishedAt,
      durationSeconds: (Date.parse(run.finishedAt) - Date.parse(run.startedAt)) / 1000,
      querySize: run.querySize,
      completionRatio: run.completionRatio,
      plannedAdded: run.plannedRows.addedCount,
      plannedChanged: run.plannedRows.changedCount,
      plannedRemoved: run.plannedRows.removedCount,
      plannedTotal: total(run.plannedRows),
      successfulAdded: run.successfulRows.addedCount,
      successfulChanged: run.successfulRows.changedCount,
      successfulRemoved: run.successfulRows.removedCount,
      successfulTotal: total(run.successfulRows),
      failedAdded: run.failedRows.addedCount,
      failedChanged: run.failedRows.changedCount,
      failedRemoved: run.failedRows.removedCount,
      failedTotal: total(run.failedRows),
      error: run.error ?? null,
    })
    assert.deepEqual(
      Object.keys(record),
      sdk.tables.syncRuns.columns.map(({ name }) => name),
    )
    assert.equal(sdk.tables.syncRuns.columns[0]?.snakeName, 'sync_id')
  })

  /** A user who names a sync by its slug may not know its id, and the API's runs do not contain the id. */
  test('of runs have the id of the sync on every page, also if it was named by its slug', async () => {
    await using ht = clientOf(await world({ syncs: 3, pastRuns: 5, slugs: ['orders-to-salesforce'] }))
    const ids: string[] = []
    for await (const page of ht.syncs.runs('orders-to-salesforce', { limit: 2 }).pages())
      ids.push(...page.records().map(({ syncId, syncSlug }) => `${String(syncId)} ${String(syncSlug)}`))
    assert.deepEqual(ids, Array<string>(5).fill('1 orders-to-salesforce'))
  })

  test('of values that no list has are made from the value', async () => {
    await using ht = clientOf(await world({ timeScale: 100 }))
    const run = await ht.syncSequences.trigger('nightly')
    const state = await run.wait({ onFailure: 'return' })
    assert.deepEqual(sdk.tables.sequenceRuns.record(state), {
      id: run.id,
      status: state.status,
      syncRuns: JSON.stringify(state.syncRuns),
    })
    const sync = await (await ht.syncs.trigger(1)).wait({ onFailure: 'return' })
    assert.equal(sdk.tables.syncRuns.record(sync, { syncId: 1 }).syncId, 1)
    assert.equal(sdk.tables.syncRuns.record(sync).syncId, null)
  })

  test('of every list can be written, with all columns and one line for each item', async () => {
    await using ht = clientOf(await world({ syncs: 3 }))
    const [flow] = await ht.decisionEngine.listFlows().toArray({ max: 1 })
    assert(flow)
    const lists: Record<string, sdk.Listing<object>> = {
      sources: ht.sources.list(),
      destinations: ht.destinations.list(),
      models: ht.models.list(),
      syncs: ht.syncs.list(),
      syncRuns: ht.syncs.runs(1),
      identityGraphRuns: ht.identityGraphs.runs('customers'),
      eventContracts: ht.eventContracts.list(),
      eventDomains: ht.eventDomains.list(),
      decisionEngineFlows: ht.decisionEngine.listFlows(),
      decisionEngineMessages: ht.decisionEngine.listMessages(flow.id),
    }
    for (const [name, list] of Object.entries(lists)) {
      const { columns } = sdk.tables[name as keyof typeof sdk.tables]
      const lines = (await text(list.toJSONL())).split('\n')
      assert.equal(lines.pop(), '')
      assert.equal(lines.length, (await list.toArray()).length, name)
      assert(lines.length > 0, name)
      for (const line of lines) {
        const record = JSON.parse(line) as Record<string, unknown>
        assert.deepEqual(
          Object.keys(record),
          columns.map((column) => column.name),
        )
        for (const column of columns) checkCell(record[column.name], column, name)
      }
      const [header] = (await text(list.toCSV({ snakeCase: true }))).split('\r\n')
      assert.equal(header, columns.map(({ snakeName }) => snakeName).join(','))
    }
  })

  /** Programs write everything that a client returns into HTTP responses and logs, as JSON. */
  test('are not the only form: everything that was read has JSON', async () => {
    await using ht = clientOf(await world({ syncs: 2, pastRuns: 1 }))
    const run = await ht.syncs.trigger(1)
    const { token, kind, id, syncId, adopted, joined } = run
    assert.deepEqual(throughJSON(run), { token, kind, id, syncId, adopted, joined })
    const raw = await ht.syncs.withRawResponse.get(1)
    const { status, headers, body, meta } = raw
    assert.deepEqual(throughJSON(raw), throughJSON({ status, headers, body, meta }))
    for (const plain of [await ht.stats(), await ht.diagnose(), meta])
      assert.deepEqual(throughJSON(plain), plain)
    const sync = await ht.syncs.get(1)
    assert.deepEqual(throughJSON({ ...sync }), throughJSON(sync))
    assert.deepEqual((throughJSON(sync) as sdk.Sync).configuration, sync.configuration?.value)
    const error: unknown = await ht.syncs.get(99).catch((thrown: unknown) => thrown)
    assert(error instanceof sdk.NotFoundError)
    const told = throughJSON({ error }) as { error: Record<string, unknown> }
    assert.deepEqual(
      [told.error.name, told.error.kind, told.error.status, told.error.operation, told.error.message],
      ['NotFoundError', 'not_found', 404, 'syncs.get', error.message],
    )
  })

  test('keep every digit of opaque JSON, which JSON.stringify does not', async () => {
    const list = `{"data":[{"id":1,"slug":"a","configuration":${DIGITS}}],"hasMore":false}`
    const answer = { when: { operation: 'ListSync' }, answer: { status: 200, text: list }, times: 9 }
    await using ht = clientOf(await world({ script: [answer] }))
    const sync = await ht.syncs.list().first()
    assert(sync)
    assert(!JSON.stringify(sync).includes(DIGITS))
    assert(sdk.Json.stringify(sync).includes(`"configuration":${DIGITS}`))
    assert.deepEqual(JSON.parse(sdk.Json.stringify([sync])), JSON.parse(JSON.stringify([sync])))
    assert.equal(sdk.tables.syncs.record(sync).configuration, DIGITS)
    const written = await text(ht.syncs.list().toCSV({ columns: ['id', 'configuration'] }))
    assert.equal(written, `id,configuration\r\n1,"${DIGITS.replaceAll('"', '""')}"\r\n`)
    const [line] = (await text(ht.syncs.list().toJSONL())).split('\n')
    assert.equal((JSON.parse(String(line)) as sdk.SyncRecord).configuration, DIGITS)
    assert.throws(() => sdk.Json.stringify({ a: [undefined] }), /value\.a\[0\]: undefined cannot/)
  })
})

/** Encodes a value as JSON and decodes it. */
function throughJSON(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

function total({ addedCount, changedCount, removedCount }: sdk.RowCounts): number {
  return addedCount + changedCount + removedCount
}

function checkCell(cell: unknown, { name, type }: sdk.Column, list: string): void {
  if (cell === null) return
  const isRight: Record<sdk.Column['type'], (cell: unknown) => boolean> = {
    int: Number.isInteger,
    float: Number.isFinite,
    bool: (value) => typeof value === 'boolean',
    string: (value) => typeof value === 'string',
    timestamp: (value) => new Date(value as string).toISOString() === value,
    list: Array.isArray,
    json: (value) => typeof JSON.parse(value as string) === 'object',
  }
  assert(isRight[type](cell), `${list}.${name}: ${JSON.stringify(cell)} is no ${type}`)
}

describe('a file', () => {
  const { sandbox, world } = useSandbox()
  const source = (name: string, slug: string): sdk.SourceRecord =>
    sdk.tables.sources.record({ id: 1, name, slug })
  const columns = ['name', 'slug', 'type']

  test('of CSV is quoted by RFC 4180, and tells an empty text from null', async () => {
    const records = [
      source('a,b', 'say "hi"'),
      source('two\nlines', 'cr\rhere'),
      source('', ' kept '),
      source('=1+2', 'é😀'),
    ]
    const expected = [
      'name,slug,type',
      '"a,b","say ""hi""",',
      '"two\nlines","cr\rhere",',
      '"", kept ,',
      '=1+2,é😀,',
      '',
    ]
    assert.equal(await text(sdk.tables.sources.toCSV(records, { columns })), expected.join('\r\n'))
    assert.equal(await text(sdk.tables.sources.toCSV([], { columns })), 'name,slug,type\r\n')
    assert.equal(await text(sdk.tables.sources.toCSV([], { columns, header: false })), '')
  })

  /** A spreadsheet runs a text that begins with `=` as a formula, and strangers may choose names in a workspace. */
  test('of CSV has no formulas if asked, and other texts and numbers stay', async () => {
    const formulas = ['=1+2', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1']
    const records = [...formulas.map((name) => ({ ...source(name, 'a-b'), cents: -5 }))]
    const options = { columns: ['name', 'slug', 'cents'], header: false, escapeFormulas: true }
    const written = await text(sdk.tables.sources.toCSV(records, options))
    const plain = written.replaceAll('"', '')
    assert.equal(plain, formulas.map((formula) => `'${formula},a-b,-5\r\n`).join(''))
  })

  test('has columns of the user, and refuses what no cell can hold', async () => {
    const mine = {
      big: 2n ** 70n,
      at: new Date(0),
      nested: { a: [1] },
      list: [1, 'a'],
      none: undefined,
      yes: true,
    }
    const records = [{ ...source('a', 'b'), ...mine }]
    const options = { columns: ['slug', ...Object.keys(mine)] }
    assert.equal(
      await text(sdk.tables.sources.toJSONL(records, options)),
      `{"slug":"b","big":${String(2n ** 70n)},"at":"1970-01-01T00:00:00.000Z","nested":"{\\"a\\":[1]}","list":[1,"a"],"none":null,"yes":true}\n`,
    )
    const listed = sdk.tables.sources.toCSV(records, { columns: ['list'], header: false })
    assert.equal(await text(listed), '"[1,""a""]"\r\n')
    const misspelt = sdk.tables.sources.toCSV([source('a', 'b')], { columns: ['id', 'nmae'] })
    await assert.rejects(text(misspelt), /^TypeError: a record has no column `nmae`/)
    for (const wrong of [Number.NaN, Symbol('s'), () => 1]) {
      const stream = sdk.tables.sources.toCSV([{ ...source('a', 'b'), wrong }], { columns: ['wrong'] })
      await assert.rejects(text(stream), /^TypeError: the column `wrong` of a record holds a/)
    }
  })

  test('is not begun with an unknown option', async () => {
    await using ht = new sdk.Hightouch(settingsOf(sandbox, await world()))
    const misspelt = { column: ['id'] } as sdk.CSVOptions
    assert.throws(() => ht.syncs.list().toCSV(misspelt), /Unknown option `column`; did you mean `columns`/)
    const onlyCSV = { header: true } as sdk.JSONLOptions
    assert.throws(() => ht.syncs.list().toJSONL(onlyCSV), sdk.InvalidRequestError)
  })

  test('fetches a page only when the lines before it were taken', async () => {
    const home = await world({ syncs: 25 })
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const requests = async (): Promise<number> => (await logOf(sandbox, home)).length
    const stream: Readable = ht.syncs.list({ limit: 10 }).toJSONL()
    assert.equal(await requests(), 0)
    const lines = stream[Symbol.asyncIterator]()
    for (let taken = 0; taken < 9; taken += 1) await lines.next()
    assert.equal(await requests(), 1)
    for (let taken = 9; taken < 19; taken += 1) await lines.next()
    assert.equal(await requests(), 2)
    await lines.return?.()
    assert(stream.destroyed)
    assert.equal(await requests(), 2)
  })

  test('is written by pipeline, and fails with the error of the page that could not be fetched', async () => {
    const file = path.join(emptyFolder(), 'syncs.csv')
    const whole = await world({ syncs: 250 })
    await using ht = new sdk.Hightouch(settingsOf(sandbox, whole))
    await pipeline(ht.syncs.list().toCSV(), createWriteStream(file))
    const lines = async (): Promise<number> => (await readFile(file, 'utf8')).split('\r\n').length
    assert.equal(await lines(), 252)
    // The second answer comes once the first page is written. After an error, `pipeline` discards what it has not
    // written yet.
    const answer = { status: 403, until: { operation: 'GetSync' } }
    const script = [{ when: { operation: 'ListSync', nth: 2 }, answer }]
    const broken = await world({ syncs: 250, script })
    await using other = new sdk.Hightouch(settingsOf(sandbox, broken))
    const written = pipeline(other.syncs.list().toCSV(), createWriteStream(file))
    const rejected = assert.rejects(written, sdk.PermissionError)
    await eventually(async () => (await lines()) === 102)
    await other.syncs.get(1)
    await rejected
    assert.equal(await lines(), 102)
  })
})
