/** What the types promise; compiled, never run. Each line marked as an error must be one. */

import { Hightouch, HightouchError, RunFailedError, type Sync, type SyncRun } from 'hightouch-sdk'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <T extends true>(_same?: T): void => undefined

export async function promises(signal: AbortSignal): Promise<void> {
  await using ht = new Hightouch({ apiKey: 'k', limit: [200, 10], maxRetries: undefined })

  const page = await ht.syncs.list({ modelId: 7 }, { signal, priority: 'bulk', headers: { 'X-A': 'b' } })
  is<Same<typeof page.data, readonly Sync[]>>()
  for await (const sync of ht.syncs.list()) is<Same<typeof sync, Sync>>()
  for await (const { data, hasNext } of ht.syncs.list().pages())
    is<Same<typeof hasNext, boolean>>(data.length > 0 || true)

  const run = await ht.syncs.trigger('orders', { fullResync: true }, { timeoutMs: 1000 })
  is<Same<typeof run.id, number>>()
  await ht.syncs.trigger(7)
  for await (const state of run.states({ signal })) is<Same<typeof state, SyncRun>>()
  const result = await run.wait({
    timeoutMs: 1,
    onFailure: 'return',
    progress: ({ status }) => status.length,
  })
  is<Same<typeof result, SyncRun>>()
  // Statuses are open, and the known ones are offered.
  const status: SyncRun['status'] = 'success'
  const later: SyncRun['status'] = 'a status of tomorrow'
  is<Same<(typeof result)['status'], SyncRun['status']>>(status !== later || true)

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
  ht.syncs.list().data
}

export function errors(error: unknown): void {
  if (error instanceof RunFailedError) is<Same<typeof error.result, SyncRun>>()
  if (!(error instanceof HightouchError)) return
  switch (error.kind) {
    case 'not_found':
    case 'rate_limited':
      is<Same<typeof error.retryAfterMs, number | undefined>>()
      break
    // @ts-expect-error no such kind
    case 'notFound':
      break
    default:
  }
}
