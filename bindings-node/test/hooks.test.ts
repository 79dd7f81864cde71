import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'

import * as sdk from 'hightouch-sdk'

import { settingsOf, STILL_RUNNING, useSandbox, type World } from './support.js'

describe('hooks', () => {
  const { sandbox, world } = useSandbox()
  const clientOf = (home: World, hooks: sdk.CallHooks): sdk.Hightouch =>
    new sdk.Hightouch({ ...settingsOf(sandbox, home), ...hooks })

  test('are called for each call that may send a request, and for no other', async () => {
    const home = await world({ syncs: 3 })
    const seen: string[] = []
    await using ht = clientOf(home, {
      onStart: ({ operation }) => seen.push(`+${operation}`),
      onEnd: ({ operation, meta, error }) => {
        assert.equal(error, undefined)
        assert(meta && meta.attempts.length > 0)
        seen.push(`-${operation}`)
      },
    })
    await ht.syncs.list({ limit: 3 })
    const raw = await ht.syncs.withRawResponse.get(1)
    await raw.parse()
    await ht.request('GET', '/syncs')
    const run = await ht.syncs.trigger(1)
    await ht.stats()
    await ht.setApiKey(home.apiKey)
    assert(await ht.run(run.token))
    const ops = ['syncs.list', 'syncs.get', 'request', 'syncs.trigger']
    assert.deepEqual(
      seen,
      ops.flatMap((op) => [`+${op}`, `-${op}`]),
    )
  })

  /** Incident: a step of `wait` had the operation `runs.next` in hooks, and `run` or `syncs.runs` in its meta. */
  test('name a followed run as meta and errors do', async () => {
    const home = await world({ runs: { seconds: 1 }, script: [STILL_RUNNING] })
    const names = new Set<string>()
    await using ht = clientOf(home, {
      onStart: ({ operation }) => names.add(operation),
      onEnd: ({ operation, meta }) => names.add(operation).add(meta?.operation ?? operation),
    })
    const run = await ht.run((await ht.syncs.trigger(1)).token)
    names.clear()
    await assert.rejects(run.wait({ timeoutMs: 0 }), (error) => {
      assert(error instanceof sdk.WaitTimeoutError)
      assert.deepEqual([error.operation, error.resource], ['run', `run ${String(run.id)} of sync 1`])
      return true
    })
    await run.wait()
    assert.deepEqual([...names], ['run'])
  })

  /** Incident: an operation was `ListSync` in an error and `syncs.list` in a hook. */
  test('name an operation by its method, with the id of the API beside it', async () => {
    const seen: unknown[] = []
    await using ht = clientOf(await world(), {
      onStart: ({ operation, operationId }) => seen.push({ operation, operationId }),
      onEnd: ({ operation, operationId }) => seen.push({ operation, operationId }),
    })
    await ht.syncs.list({ limit: 1 })
    await ht.syncSequences.trigger('nightly')
    await ht.request('GET', '/syncs')
    const [list, trigger] = [
      { operation: 'syncs.list', operationId: 'ListSync' },
      { operation: 'syncSequences.trigger', operationId: 'TriggerSequenceRun' },
    ]
    assert.deepEqual(seen, [
      list,
      list,
      trigger,
      trigger,
      { operation: 'request', operationId: undefined },
      { operation: 'request', operationId: undefined },
    ])
  })

  test('are called with the error of a call that failed', async () => {
    const home = await world({ script: [{ when: { operation: 'ListSync' }, answer: { hang: true } }] })
    const ends: sdk.CallEnd[] = []
    await using ht = clientOf(home, { onEnd: (end) => ends.push(end) })
    const thrown: unknown = await ht.syncs.get(999).catch((error: unknown) => error)
    const signal = AbortSignal.timeout(100)
    await assert.rejects(ht.request('GET', '/syncs', {}, { signal }))
    await assert.rejects(ht.syncs.list({ limit: -1 }).then())
    assert.deepEqual(
      ends.map(({ operation, error }) => [operation, error?.kind]),
      [
        ['syncs.get', 'not_found'],
        ['request', 'cancelled'],
        ['syncs.list', 'invalid_request'],
      ],
    )
    assert.equal(ends[0]?.error, thrown)
    assert(thrown instanceof sdk.NotFoundError)
    assert.deepEqual([thrown.operation, thrown.operationId], ['syncs.get', 'GetSync'])
    assert.deepEqual([thrown.meta?.operation, thrown.meta?.operationId], ['syncs.get', 'GetSync'])
    assert.equal(ends[0]?.meta?.attempts[0]?.status, 404)
    assert.equal(ends[1]?.error?.cause, signal.reason)
    assert.equal(ends[2]?.meta, undefined)
  })

  test('that throw or reject cause a warning and change nothing', async () => {
    const home = await world()
    const hooks = {
      onStart: () => {
        throw new Error('a hook threw')
      },
      onEnd: async () => Promise.reject(new Error('a hook rejected')),
    } as unknown as sdk.CallHooks
    await using ht = clientOf(home, hooks)
    const warnings: Error[] = []
    const note = (warning: Error): void => {
      warnings.push(warning)
    }
    process.on('warning', note)
    assert.equal((await ht.syncs.get(1)).id, 1)
    await assert.rejects(ht.syncs.get(999), sdk.NotFoundError)
    while (warnings.length < 4) await once(process, 'warning')
    process.off('warning', note)
    const [threw, rejected] = ['a hook threw', 'a hook rejected'].map(
      (text) => warnings.filter(({ message }) => message.includes(text)).length,
    )
    assert.deepEqual([threw, rejected], [2, 2])
  })
})
