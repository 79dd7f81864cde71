/** What the types promise; compiled, never run. Each line marked as an error must be one. */

import {
  Hightouch,
  HightouchError,
  RunFailedError,
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
  type SyncRun,
  type SyncRunHandle,
} from 'hightouch-sdk'

/** Compiles when `value` has the type named. */
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
  // Statuses are open: the known ones are offered, others are allowed.
  expectType<SyncRun['status'][]>(['success', 'a status of tomorrow'])

  const query = { limit: 5, tags: ['a', 'b'] }
  const { value } = await ht.request<{ data: Sync[] }>('GET', '/syncs', { query })
  expectType<string | undefined>(value.data[0]?.slug)
  // @ts-expect-error the value is frozen
  expectType<Sync[]>(value.data)
  // @ts-expect-error however deep
  if (value.data[0]) value.data[0].slug = 'other'
  expectType<FrozenJson>((await ht.request('POST', '/syncs', { body: { id: 10n } })).value)

  // @ts-expect-error a misspelt argument
  ht.syncs.list({ modelID: 7 })
  // @ts-expect-error an argument of the wrong type
  ht.syncs.list({ modelId: '7' })
  // @ts-expect-error null is not the same as leaving out
  ht.syncs.list({ modelId: null })
  // @ts-expect-error a sync is needed
  await ht.syncs.trigger()
  // @ts-expect-error a misspelt option
  await ht.syncs.trigger(7, {}, { timeout: 1 })
  // @ts-expect-error the seconds of another language
  await run.wait({ timeout: 1 })
  // @ts-expect-error a line on a terminal is the caller's to write
  await run.wait({ progress: true })
  // @ts-expect-error an unknown policy
  await run.wait({ onFailure: 'ignore' })
  // @ts-expect-error an unknown setting
  new Hightouch({ key: 'k' })
  // @ts-expect-error internal settings are not offered
  new Hightouch({ timeScale: 2 })
  // @ts-expect-error a listing has no items before it is asked for them
  expectType<{ data: unknown }>(ht.syncs.list())
}

export async function fields(ht: Hightouch, source: Sync): Promise<void> {
  // Left out, null and a value are three things, and null is for what the API lets one clear.
  await ht.syncs.update(7, { schedule: null })
  await ht.syncs.update('orders', { schedule: undefined, disabled: undefined })
  await ht.syncs.update(7)
  // What was read is given back as it is, and as it was changed.
  await ht.syncs.update(8, { schedule: source.schedule, configuration: source.configuration })
  if (source.configuration) {
    expectType<[Json, FrozenJson, string]>([
      source.configuration,
      source.configuration.value,
      source.configuration.text,
    ])
    // @ts-expect-error what is in it, nobody has promised
    expectType<{ mode: unknown }>(source.configuration)
  }
  // A Json is no plain object: its members are not those of its value, and a copy of it would send something else.
  /* eslint-disable @typescript-eslint/no-misused-spread -- the compiler must see it, also where nobody lints */
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
    // @ts-expect-error undefined is no value
    source.configuration.with('mode', undefined)
    await ht.syncs.update(8, { configuration: { ...(source.configuration.value as object), mode: 'insert' } })
  }
  // Opaque parts of what one builds may be plain values, JSON that was read, or both.
  await ht.syncs.update(8, { configuration: { mine: 1, theirs: source.configuration, id: 10n } })
  const contract = await ht.eventContracts.get('c')
  await ht.eventContracts.update('d', { events: contract.events })
  await ht.eventContracts.update('d', { events: [{ type: 'track', name: 'E', schema: { type: 'object' } }] })
  const rule = { kind: 'unknown', raw: { moon: 'full' } } as const
  await ht.syncs.update(8, { schedule: { type: 'x', schedule: rule } })
  // @ts-expect-error a date is not JSON
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

  // @ts-expect-error null does not clear a configuration
  await ht.syncs.update(7, { configuration: undefined, disabled: null })
  // @ts-expect-error nor a name
  await ht.models.update(7, { name: null })
  // @ts-expect-error a primary key must be given, if only as null
  await ht.models.create(model)
  // @ts-expect-error and not as undefined
  await ht.models.create({ ...model, primaryKey: undefined })
  // @ts-expect-error what a create needs must be there
  await ht.syncs.create({ slug: 'orders' })
  // @ts-expect-error a schedule that one builds has a type
  await ht.syncs.update(7, { schedule: { schedule: { kind: 'cron', expression: '0 * * * *' } } })
  // @ts-expect-error and an interval its quantity
  expectType<ScheduleRule>({ kind: 'interval', interval: { unit: 'day' } })
  // @ts-expect-error a rule has a kind
  expectType<ScheduleRule>({ expression: '0 * * * *' })
  // @ts-expect-error a kind that the API does not have
  expectType<ScheduleRule>({ kind: 'lunar', phase: 'full' })
  // Units are open, orders are not.
  expectType<ScheduleRule>({ kind: 'interval', interval: { unit: 'month', quantity: 1 } })
  ht.sources.list({ orderBy: 'updatedAt' })
  // @ts-expect-error no such order
  ht.sources.list({ orderBy: 'colour' })
  // @ts-expect-error an operation without named arguments takes its options next
  await ht.sources.get(7, {}, {})
}

export function unions(schedule: Schedule, rule: ScheduleRule): unknown {
  // @ts-expect-error what an answer may lack may be undefined for who reads it
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
  // @ts-expect-error which it is, only its kind tells
  expectType<number>(run.id)
  if (run.kind === 'sync') expectType<[number, SyncRun]>([run.syncId, await run.wait()])
  else expectType<string>(run.id)
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
  // @ts-expect-error the same arguments as without it
  await ht.syncs.withRawResponse.get()
  // @ts-expect-error once is enough
  expectType<unknown>(ht.syncs.withRawResponse.withRawResponse)
}

export async function clients(): Promise<void> {
  await using sync = new Hightouch({ apiKey: () => 'k' })
  await using later = new Hightouch({ apiKey: async () => Promise.resolve('k') })
  await using told = new Hightouch({
    onStart: ({ op }) => op.length,
    onEnd: ({ op, meta, error }) =>
      expectType<CallEnd>({ op, ...(meta && { meta }), ...(error && { error }) }),
  })
  expectType<Hightouch[]>([sync, later, told])
  // @ts-expect-error a key is text
  new Hightouch({ apiKey: () => 7 })
}

export function errors(error: unknown): void {
  if (error instanceof RunFailedError) {
    const { result } = error
    if (result.kind === 'sync') expectType<SyncRun>(result)
    if (result.kind === 'sequence') expectType<SequenceRun>(result)
    if (result.kind === 'identity_graph') expectType<IdentityGraphRun>(result)
  }
  if (!(error instanceof HightouchError)) return
  switch (error.kind) {
    case 'not_found':
    case 'rate_limited':
      expectType<number | undefined>(error.retryAfterMs)
      break
    // @ts-expect-error no such kind
    case 'notFound':
      break
    default:
  }
}
