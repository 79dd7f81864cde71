/** Tests the types. This file is only compiled. The compiler must refuse each line below a `@ts-expect-error`. */

import type { Readable } from 'node:stream'

import {
  Hightouch,
  HightouchError,
  RunFailedError,
  tables,
  type BatchItem,
  type CallEnd,
  type CampaignResult,
  type FrozenJson,
  type IdentityGraphRun,
  type IdentityGraphRunHandle,
  type Json,
  type Listing,
  type RawResponse,
  type Schedule,
  type ScheduleRule,
  type SequenceRun,
  type SequenceRunHandle,
  type Sync,
  type SyncBatch,
  type SyncRecord,
  type SyncRun,
  type SyncRunHandle,
  type SyncRunRecord,
} from 'hightouch-sdk'

/** Compiles only if `value` has the type `T`. */
function expectType<T>(value: T): T {
  return value
}

export async function promises(signal: AbortSignal): Promise<void> {
  await using ht = new Hightouch({ apiKey: 'k', limit: [200, 10], maxRetries: undefined })

  const page = await ht.syncs.list({ modelId: 7 }, { signal, priority: 'bulk', headers: { 'X-A': 'b' } })
  expectType<readonly Sync[]>(page.data)
  for await (const sync of ht.syncs.list()) expectType<Sync>(sync)
  for await (const sync of page) expectType<Sync>(sync)
  for (const sync of page) expectType<Sync>(sync)
  expectType<Sync[]>(await ht.syncs.list().toArray())
  expectType<Sync | undefined>(await ht.syncs.list().first())
  expectType<Sync[]>(await ht.syncs.list().toArray({ max: 5 }))
  for await (const sync of ht.syncs.list().take(5)) expectType<Sync>(sync)
  for await (const record of ht.syncs.runs(7).records()) expectType<SyncRunRecord>(record)
  expectType<SyncRecord[]>(page.records())
  expectType<Readable>(ht.syncs.list().toCSV({ escapeFormulas: true, columns: ['id'] }))
  expectType<SyncRunRecord>(tables.syncRuns.record(await (await ht.syncs.trigger(7)).wait(), { syncId: 7 }))
  // @ts-expect-error a record of another type
  tables.syncRuns.toCSV(ht.models.list().records())
  // @ts-expect-error JSON Lines have no header
  ht.syncs.list().toJSONL({ header: false })
  for await (const { data, hasNext } of ht.syncs.list().pages())
    expectType<[readonly Sync[], boolean]>([data, hasNext])

  const run = await ht.syncs.trigger('orders', { fullResync: true }, { timeoutMs: 1000 })
  expectType<number>(run.id)
  await ht.syncs.trigger(7)
  for await (const state of run.states({ signal })) expectType<SyncRun>(state)
  const result = await run.wait({
    timeoutMs: 1,
    onFailure: 'return',
    progress: ({ status }) => status.length,
  })
  expectType<SyncRun>(result)
  // A status that this version does not know is allowed.
  expectType<SyncRun['status'][]>(['success', 'a status of tomorrow'])

  const query = { limit: 5, tags: ['a', 'b'] }
  const { value } = await ht.request<{ data: Sync[] }>('GET', '/syncs', { query })
  expectType<string | undefined>(value.data[0]?.slug)
  // @ts-expect-error the array of a frozen value is read-only
  expectType<Sync[]>(value.data)
  // @ts-expect-error a frozen value is read-only at every depth
  if (value.data[0]) value.data[0].slug = 'other'
  expectType<FrozenJson>((await ht.request('POST', '/syncs', { body: { id: 10n } })).value)

  ht.syncs.list({ after: new Date(), before: '2026-08-13T09:30:00.000Z' })
  // @ts-expect-error an unknown priority
  ht.syncs.list({}, { priority: 'high' })
  // @ts-expect-error a limit is two numbers
  new Hightouch({ limit: [200] })
  // @ts-expect-error a misspelt argument
  ht.syncs.list({ modelID: 7 })
  // @ts-expect-error an argument of the wrong type
  ht.syncs.list({ modelId: '7' })
  // @ts-expect-error null does not mean absent; leave the argument out
  ht.syncs.list({ modelId: null })
  // @ts-expect-error a sync is needed
  await ht.syncs.trigger()
  // @ts-expect-error a misspelt option
  await ht.syncs.trigger(7, {}, { timeout: 1 })
  // @ts-expect-error an option of another language
  await run.wait({ timeout: 1 })
  await run.wait({ progress: true })
  await run.wait({ progress: 'log' })
  // @ts-expect-error an unknown form of progress
  await run.wait({ progress: 'lines' })
  // @ts-expect-error an unknown policy
  await run.wait({ onFailure: 'ignore' })
  // @ts-expect-error an unknown setting
  new Hightouch({ key: 'k' })
  // @ts-expect-error an internal setting
  new Hightouch({ timeScale: 2 })
  // @ts-expect-error a list has no items before it is awaited
  expectType<{ data: unknown }>(ht.syncs.list())
}

export async function fields(ht: Hightouch, source: Sync): Promise<void> {
  // A field that is null is not the same as a field that is left out. Only fields that can be cleared may be null.
  await ht.syncs.update(7, { schedule: null })
  await ht.syncs.update('orders', { schedule: undefined, disabled: undefined })
  await ht.syncs.update(7)
  // The types of values in answers are accepted as arguments.
  await ht.syncs.update(8, { schedule: source.schedule, configuration: source.configuration })
  if (source.configuration) {
    expectType<[Json, FrozenJson, string]>([
      source.configuration,
      source.configuration.value,
      source.configuration.text,
    ])
    // @ts-expect-error the members are on `configuration.value`, not on the Json itself
    expectType<{ mode: unknown }>(source.configuration)
  }
  // A Json is not a plain object. A copy of it cannot be sent.
  /* eslint-disable @typescript-eslint/no-misused-spread -- the compiler must refuse it too */
  // @ts-expect-error a spread Json
  await ht.syncs.update(8, { configuration: { ...source.configuration, mode: 'insert' } })
  if (source.configuration) {
    // @ts-expect-error a spread Json
    await ht.syncs.update(8, { configuration: { ...source.configuration, mode: 'insert' } })
    // @ts-expect-error a spread Json within a value
    await ht.syncs.update(8, { configuration: { theirs: { ...source.configuration } } })
    await ht.syncs.update(8, { configuration: source.configuration.with('mode', 'insert') })
    await ht.syncs.update(8, { configuration: source.configuration.with(['mappings', 0, 'id'], 2n ** 70n) })
    /* eslint-enable @typescript-eslint/no-misused-spread */
    // @ts-expect-error undefined is not JSON
    source.configuration.with('mode', undefined)
    await ht.syncs.update(8, { configuration: { ...(source.configuration.value as object), mode: 'insert' } })
  }
  // Opaque JSON may be a plain value, a Json, or a mixture.
  await ht.syncs.update(8, { configuration: { mine: 1, theirs: source.configuration, id: 10n } })
  const contract = await ht.eventContracts.get('c')
  await ht.eventContracts.update('d', { events: contract.events })
  await ht.eventContracts.update('d', { events: [{ type: 'track', name: 'E', schema: { type: 'object' } }] })
  const rule = { kind: 'unknown', raw: { moon: 'full' } } as const
  await ht.syncs.update(8, { schedule: { type: 'x', schedule: rule } })
  // @ts-expect-error a Date is not JSON
  await ht.syncs.update(8, { configuration: { since: new Date() } })
  if (source.schedule) await ht.syncs.update(8, { schedule: { ...source.schedule, type: 'interval' } })
  await ht.syncs.create({
    slug: 'orders',
    configuration: { mode: 'upsert', mappings: [] },
    destinationId: 1,
    modelId: 2,
    schedule: {
      type: 'interval',
      schedule: { kind: 'interval', interval: { unit: 'day', quantity: 2 } },
    },
  })
  const model = { name: 'm', slug: 'm', queryType: 'raw_sql', sourceId: 1, isSchema: false }
  await ht.models.create({ ...model, primaryKey: null, raw: { sql: 'select 1' } })
  await ht.models.create({ ...model, primaryKey: 'id' })
  await ht.campaigns.trigger('welcome', { recipients: [{ handle: 'a@example.com' }] as const })

  // @ts-expect-error null is not a value of `disabled`
  await ht.syncs.update(7, { configuration: undefined, disabled: null })
  // @ts-expect-error null does not clear a name
  await ht.models.update(7, { name: null })
  // @ts-expect-error the primary key is required; it can be null
  await ht.models.create(model)
  // @ts-expect-error the primary key cannot be undefined
  await ht.models.create({ ...model, primaryKey: undefined })
  // @ts-expect-error required arguments are missing
  await ht.syncs.create({ slug: 'orders' })
  // @ts-expect-error a schedule that is sent needs a type
  await ht.syncs.update(7, { schedule: { schedule: { kind: 'cron', expression: '0 * * * *' } } })
  // @ts-expect-error an interval needs a quantity
  expectType<ScheduleRule>({ kind: 'interval', interval: { unit: 'day' } })
  // @ts-expect-error a rule needs a kind
  expectType<ScheduleRule>({ expression: '0 * * * *' })
  // @ts-expect-error an unknown kind
  expectType<ScheduleRule>({ kind: 'lunar', phase: 'full' })
  // A unit that this version does not know is allowed. An order that this version does not know is an error.
  expectType<ScheduleRule>({ kind: 'interval', interval: { unit: 'month', quantity: 1 } })
  ht.sources.list({ orderBy: 'updatedAt' })
  // @ts-expect-error an unknown order
  ht.sources.list({ orderBy: 'colour' })
  // @ts-expect-error this method takes no arguments object
  await ht.sources.get(7, {}, {})
}

export function unions(schedule: Schedule, rule: ScheduleRule): unknown {
  // @ts-expect-error the type can be absent in an answer
  expectType<string>(schedule.type)
  switch (rule.kind) {
    case 'interval':
      return expectType<number | undefined>(rule.interval?.quantity)
    case 'cron':
      return expectType<string | undefined>(rule.expression)
    case 'visual':
      return expectType<string | undefined>(rule.expressions[0]?.time)
    case 'dbt':
      return expectType<string | undefined>(rule.job?.id)
    case 'unknown':
      return expectType<Json>(rule.raw)
  }
}

export async function runs(ht: Hightouch): Promise<void> {
  expectType<SyncRunHandle>(await ht.syncs.trigger(7))
  const sequence = await ht.syncSequences.trigger('nightly')
  expectType<SequenceRunHandle>(sequence)
  expectType<string>(sequence.sequenceId)
  expectType<SequenceRun>(await sequence.wait())
  const graph = await ht.identityGraphs.trigger('people', { fullRerun: true })
  expectType<IdentityGraphRunHandle>(graph)
  for await (const state of graph.states()) expectType<IdentityGraphRun>(state)

  const run = await ht.run('token')
  // @ts-expect-error the type depends on the kind
  expectType<number>(run.id)
  if (run.kind === 'sync') expectType<[number, SyncRun]>([run.syncId, await run.wait()])
  else expectType<string>(run.id)
}

export async function batches(ht: Hightouch, signal: AbortSignal): Promise<void> {
  const syncs = ['orders', 7] as const
  const batch = await ht.syncs.runMany(syncs, { fullResync: true, atOnce: 2 }, { signal, timeoutMs: 1000 })
  expectType<SyncBatch>(batch)
  for await (const item of batch) expectType<BatchItem>(item)
  const items = await batch.wait({ timeoutMs: 1, onFailure: 'return', signal, progress: ({ sync }) => sync })
  expectType<BatchItem[]>(items)
  const [item] = items
  if (item) expectType<[number | undefined, SyncRun | undefined]>([item.syncId, item.state])
  if (item) expectType<HightouchError | undefined>(item.error)
  expectType<BatchItem[]>(await batch.stop())
  await using disposed = await ht.syncs.runMany([7])
  expectType<BatchItem[]>(disposed.items)
  // @ts-expect-error a text is not a list of syncs
  await ht.syncs.runMany('orders')
  // @ts-expect-error an unknown outcome
  if (item?.outcome === 'failed') expectType<never>(item)
  // @ts-expect-error a misspelt argument
  await ht.syncs.runMany([7], { at_once: 2 })
  // @ts-expect-error an option of another language
  await batch.wait({ timeout: 1 })
  // @ts-expect-error a batch has no single response
  expectType<unknown>(ht.syncs.withRawResponse.runMany)
}

export async function raw(ht: Hightouch, signal: AbortSignal): Promise<void> {
  const got = await ht.syncs.withRawResponse.get(7, { signal })
  expectType<RawResponse<Sync>>(got)
  expectType<[number, string, string | undefined]>([got.status, got.body, got.headers['content-type']])
  expectType<Sync>(await got.parse())
  expectType<Sync[]>(await (await ht.syncs.withRawResponse.list({ limit: 5 })).parse())
  expectType<SyncRunHandle>(await (await ht.syncs.withRawResponse.trigger(7, {}, {})).parse())
  expectType<RawResponse<void>>(await ht.models.withRawResponse.delete(7))
  expectType<CampaignResult>(
    await (await ht.campaigns.withRawResponse.trigger('c', { recipients: [] })).parse(),
  )
  expectType<Listing<Sync>>(ht.syncs.list())
  // @ts-expect-error the raw method needs the same arguments
  await ht.syncs.withRawResponse.get()
  // @ts-expect-error the raw methods have no withRawResponse of their own
  expectType<unknown>(ht.syncs.withRawResponse.withRawResponse)
}

export async function clients(): Promise<void> {
  await using sync = new Hightouch({ apiKey: () => 'k' })
  await using later = new Hightouch({ apiKey: async () => Promise.resolve('k') })
  await using hooked = new Hightouch({
    onStart: ({ callId, headers }) => (headers.traceparent = callId),
    onEnd: ({ callId, operation, startedMs, meta, error }) =>
      expectType<CallEnd>({ callId, operation, startedMs, ...(meta && { meta }), ...(error && { error }) }),
  })
  expectType<Hightouch[]>([sync, later, hooked])
  // @ts-expect-error a key function returns a string
  new Hightouch({ apiKey: () => 7 })
}

export function errors(error: unknown): void {
  if (error instanceof RunFailedError) {
    const { result } = error
    if (result?.kind === 'sync') expectType<SyncRun>(result)
    if (result?.kind === 'sequence') expectType<SequenceRun>(result)
    if (result?.kind === 'identity_graph') expectType<IdentityGraphRun>(result)
    expectType<readonly BatchItem[] | undefined>(error.items)
  }
  if (!(error instanceof HightouchError)) return
  switch (error.kind) {
    case 'not_found':
    case 'rate_limited':
      expectType<number | undefined>(error.retryAfterMs)
      break
    // @ts-expect-error an unknown kind
    case 'notFound':
      break
    default:
  }
}
