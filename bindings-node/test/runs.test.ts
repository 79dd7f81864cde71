import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import * as sdk from 'hightouch-sdk'

import { settingsOf, useSandbox, type World } from './support.js'

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
})
