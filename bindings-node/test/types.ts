/** What the types promise; compiled, never run. Each line marked as an error must be one. */

import { Hightouch, HightouchError, RunFailedError, type Sync, type SyncRun } from 'hightouch-sdk'

/** Compiles when `value` has the type named. */
function expectType<T>(value: T): T {
  return value
}

export async function promises(signal: AbortSignal): Promise<void> {
  await using ht = new Hightouch({ apiKey: 'k', limit: [200, 10], maxRetries: undefined })

  const page = await ht.syncs.list({ modelId: 7 }, { signal, priority: 'bulk', headers: { 'X-A': 'b' } })
  expectType<readonly Sync[]>(page.data)
  for await (const sync of ht.syncs.list()) expectType<Sync>(sync)
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

  await ht.request<{ data: Sync[] }>('GET', '/syncs', { query: { limit: 5, tags: ['a', 'b'] } })

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
  // @ts-expect-error an unknown policy
  await run.wait({ onFailure: 'ignore' })
  // @ts-expect-error an unknown setting
  new Hightouch({ key: 'k' })
  // @ts-expect-error internal settings are not offered
  new Hightouch({ timeScale: 2 })
  // @ts-expect-error a listing has no items before it is asked for them
  expectType<{ data: unknown }>(ht.syncs.list())
}

export function errors(error: unknown): void {
  if (error instanceof RunFailedError) expectType<SyncRun>(error.result)
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
