import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'

import * as sdk from 'hightouch-sdk'

import { logOf, settingsOf, useSandbox, type World } from './support.js'

describe('a run', () => {
  const { sandbox, world } = useSandbox()
  const clientOf = (home: World): sdk.Hightouch => new sdk.Hightouch(settingsOf(sandbox, home))
  /** What `work` rejects with because its run did not end well. */
  const failed = async (work: Promise<unknown>): Promise<sdk.RunFailedError> => {
    const error: unknown = await work.catch((thrown: unknown) => thrown)
    assert(error instanceof sdk.RunFailedError, String(error))
    return error
  }

  test('of each kind is the handle of its kind, and is found again by its token', async () => {
    await using ht = clientOf(await world())
    const started = [
      await ht.syncs.trigger(2),
      await ht.syncSequences.trigger('nightly'),
      await ht.identityGraphs.trigger('customers'),
    ] as const
    const [sync, sequence, graph] = started
    assert(sync instanceof sdk.SyncRunHandle)
    assert.deepEqual([sync.id, sync.syncId, sync.kind, sync.adopted], [9001, 2, 'sync', false])
    assert(sequence instanceof sdk.SequenceRunHandle)
    assert.deepEqual(
      [sequence.id, sequence.sequenceId, sequence.kind],
      ['seq-run-9001', 'nightly', 'sequence'],
    )
    assert(graph instanceof sdk.IdentityGraphRunHandle)
    assert.deepEqual([graph.id, graph.graphId, graph.kind], ['idr-run-9001', 'customers', 'identity_graph'])
    for (const run of started) {
      assert(run instanceof sdk.RunHandle)
      assert.deepEqual(await ht.run(run.token), run)
    }
  })

  test('that fails rejects with its last state, told apart by the kind of the run', async () => {
    const home = await world({
      runs: { status: 'failed', error: 'the destination is down' },
      graphs: { status: 'FAILURE', error: 'no memory left' },
    })
    await using ht = clientOf(home)
    const { result: sync } = await failed((await ht.syncs.trigger(2)).wait())
    assert(sync.kind === 'sync')
    assert.deepEqual([sync.id, sync.status, sync.error], [9001, 'failed', 'the destination is down'])
    const { result: sequence } = await failed((await ht.syncSequences.trigger('nightly')).wait())
    assert(sequence.kind === 'sequence')
    assert.deepEqual([sequence.status, sequence.syncRuns[0]?.status], ['failed', 'failed'])
    const run = await ht.identityGraphs.trigger('customers')
    const states: string[] = []
    const error = await failed(run.wait({ progress: ({ status }) => states.push(status) }))
    const graph = error.result
    assert(graph.kind === 'identity_graph')
    assert.deepEqual([graph.id, graph.status, graph.error], [run.id, 'FAILURE', 'no memory left'])
    assert.equal(states.at(-1), 'FAILURE')
    // The same as what the one who does not mind is given, but for its kind.
    const { kind, ...state } = graph
    assert.equal(kind, run.kind)
    assert.deepEqual(state, await run.wait({ onFailure: 'return' }))
    assert.equal(error.run, run.token)
  })

  /** Incident: `wait({ timeout: 1 })` waited for ever, and `timeoutMs: -1` timed out at once. */
  test('is not waited for with an option that is unknown or wrong', async () => {
    const home = await world({ runs: { seconds: 3600 } })
    await using ht = clientOf(home)
    const run = await ht.syncs.trigger(1)
    const sent = (await logOf(sandbox, home)).length
    const cases: [object, RegExp][] = [
      [{ timeout: 1 }, /options\.timeout: unknown; known are timeoutMs, onFailure, /],
      [{ headers: {} }, /options\.headers: unknown/],
      [{ timeoutMs: -1 }, /options\.timeoutMs: must be a finite number of milliseconds/],
      [{ timeoutMs: '5' }, /options\.timeoutMs/],
      [{ timeoutMs: NaN }, /options\.timeoutMs/],
      [{ timeoutMs: Infinity }, /options\.timeoutMs/],
      [{ timeoutMs: null }, /options\.timeoutMs/],
      [{ progress: true }, /options\.progress: must be a function/],
      [{ onFailure: 'ignore' }, /options\.onFailure: must be 'raise' or 'return'/],
      [{ onWarning: true }, /options\.onWarning/],
      [{ signal: new AbortController() }, /options\.signal/],
    ]
    const refused = (named: RegExp) => (error: unknown) =>
      error instanceof sdk.InvalidRequestError && named.test(error.message)
    for (const [options, named] of cases) {
      await assert.rejects(run.wait(options), refused(named))
    }
    assert.throws(
      () => run.states({ timeoutMs: 1 } as object),
      refused(/options\.timeoutMs: unknown; known are signal/),
    )
    assert.equal((await logOf(sandbox, home)).length, sent)
    const undefineds = { timeoutMs: undefined, onFailure: undefined, progress: undefined, signal: undefined }
    await assert.rejects(run.wait({ ...undefineds, timeoutMs: 0 }), sdk.WaitTimeoutError)
  })

  test('is waited for to its end though the progress function throws, or rejects', async () => {
    const home = await world()
    await using ht = clientOf(home)
    const warnings: Error[] = []
    const note = (warning: Error): void => {
      warnings.push(warning)
    }
    process.on('warning', note)
    const told: string[] = []
    for (const how of ['threw', 'rejected']) {
      const run = await ht.syncs.trigger(2)
      const progress = ({ status }: sdk.SyncRun): unknown => {
        told.push(status)
        if (how === 'threw') throw new Error(`it ${how}`)
        return Promise.reject(new Error(`it ${how}`))
      }
      assert.equal((await run.wait({ progress })).status, 'success')
    }
    while (warnings.length < told.length) await once(process, 'warning')
    process.off('warning', note)
    assert.equal(told.at(-1), 'success')
    for (const how of ['threw', 'rejected']) {
      const text = `The progress function of a wait of hightouch-sdk failed: Error: it ${how}`
      assert(
        warnings.some(({ message }) => message.startsWith(text)),
        how,
      )
    }
  })
})
