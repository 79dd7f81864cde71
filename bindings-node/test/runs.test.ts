import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'

import * as sdk from 'hightouch-sdk'

import { logOf, settingsOf, useSandbox, type World } from './support.js'

describe('a run', () => {
  const { sandbox, world } = useSandbox()
  const clientOf = (home: World): sdk.Hightouch => new sdk.Hightouch(settingsOf(sandbox, home))
  /** Returns the error of `work`, which must reject because its run failed. */
  const failed = async (work: Promise<unknown>): Promise<sdk.RunFailedError> => {
    const error: unknown = await work.catch((thrown: unknown) => thrown)
    assert(error instanceof sdk.RunFailedError, String(error))
    return error
  }

  test('of each kind has a handle of its own class, which its token returns again', async () => {
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

  test('that fails makes the wait reject with its last state and its kind', async () => {
    const home = await world({
      runs: { status: 'failed', error: 'the destination is down' },
      graphs: { status: 'FAILURE', error: 'no memory left' },
    })
    await using ht = clientOf(home)
    const { result: sync } = await failed((await ht.syncs.trigger(2)).wait())
    assert(sync?.kind === 'sync')
    assert.deepEqual([sync.id, sync.status, sync.error], [9001, 'failed', 'the destination is down'])
    const { result: sequence } = await failed((await ht.syncSequences.trigger('nightly')).wait())
    assert(sequence?.kind === 'sequence')
    assert.deepEqual([sequence.status, sequence.syncRuns[0]?.status], ['failed', 'failed'])
    const run = await ht.identityGraphs.trigger('customers')
    const states: string[] = []
    const error = await failed(run.wait({ progress: ({ status }) => states.push(status) }))
    const graph = error.result
    assert(graph?.kind === 'identity_graph')
    assert.deepEqual([graph.id, graph.status, graph.error], [run.id, 'FAILURE', 'no memory left'])
    assert.equal(states.at(-1), 'FAILURE')
    // With `onFailure: 'return'`, `wait` returns the same state, but without `kind`.
    const { kind, ...state } = graph
    assert.equal(kind, run.kind)
    assert.deepEqual(state, await run.wait({ onFailure: 'return' }))
    assert.equal(error.run, run.token)
  })

  /** Incident: `wait({ timeout: 1 })` waited forever, and `timeoutMs: -1` timed out at once. */
  test('is not waited for if an option is unknown or wrong', async () => {
    const home = await world({ runs: { seconds: 3600 } })
    await using ht = clientOf(home)
    const run = await ht.syncs.trigger(1)
    const sent = (await logOf(sandbox, home)).length
    const cases: [object, RegExp][] = [
      [{ timeout: 1 }, /^Unknown option `timeout`; did you mean `timeoutMs`\? Nothing was sent\.$/],
      [
        { headers: {} },
        /^Unknown option `headers`; known are `timeoutMs`, `onFailure`, `onWarning`, `progress`, `signal`\. Nothing was sent\.$/,
      ],
      [{ timeoutMs: -1 }, /^The option `timeoutMs` must be a finite number of milliseconds, 0 or more\. /],
      [{ timeoutMs: '5' }, /option `timeoutMs`/],
      [{ timeoutMs: NaN }, /option `timeoutMs`/],
      [{ timeoutMs: Infinity }, /option `timeoutMs`/],
      [{ timeoutMs: null }, /option `timeoutMs`/],
      [{ progress: 'yes' }, /The option `progress` must be true, false, 'log' or a function\./],
      [{ onFailure: 'ignore' }, /The option `onFailure` must be 'raise' or 'return'/],
      [{ onWarning: true }, /option `onWarning`/],
      [{ signal: new AbortController() }, /option `signal`/],
    ]
    const refused = (named: RegExp) => (error: unknown) =>
      error instanceof sdk.InvalidRequestError && named.test(error.message)
    for (const [options, named] of cases) {
      await assert.rejects(run.wait(options), refused(named))
    }
    assert.throws(
      () => run.states({ timeoutMs: 1 } as object),
      refused(/^Unknown option `timeoutMs`; known are `signal`\. /),
    )
    assert.equal((await logOf(sandbox, home)).length, sent)
    const undefineds = { timeoutMs: undefined, onFailure: undefined, progress: undefined, signal: undefined }
    await assert.rejects(run.wait({ ...undefineds, timeoutMs: 0 }), sdk.WaitTimeoutError)
  })

  test('is waited for to its end although the progress function throws or rejects', async () => {
    const home = await world()
    await using ht = clientOf(home)
    const warnings: Error[] = []
    const note = (warning: Error): void => {
      warnings.push(warning)
    }
    process.on('warning', note)
    const reported: string[] = []
    for (const how of ['threw', 'rejected']) {
      const run = await ht.syncs.trigger(2)
      const progress = ({ status }: sdk.SyncRun): unknown => {
        reported.push(status)
        if (how === 'threw') throw new Error(`it ${how}`)
        return Promise.reject(new Error(`it ${how}`))
      }
      assert.equal((await run.wait({ progress })).status, 'success')
    }
    while (warnings.length < reported.length) await once(process, 'warning')
    process.off('warning', note)
    assert.equal(reported.at(-1), 'success')
    for (const how of ['threw', 'rejected']) {
      const text = `The progress function of a wait of hightouch-sdk failed: Error: it ${how}`
      assert(
        warnings.some(({ message }) => message.startsWith(text)),
        how,
      )
    }
  })

  test('that fails has a problem, also as an item of a batch and in a list', async () => {
    const home = await world({ pastRuns: 0, runs: { seconds: 1, status: 'failed', error: 'SLACK_NO_TEXT' } })
    await using ht = clientOf(home)
    const { message, problem } = await failed((await ht.syncs.trigger(1)).wait())
    assert.deepEqual(
      [problem?.code, problem?.category, problem?.guessed],
      ['SLACK_NO_TEXT', 'invalid_data', false],
    )
    assert(problem && message.endsWith(`\n${problem.summary} ${problem.advice}`), message)
    const batch = await failed((await ht.syncs.runMany([2])).wait())
    assert.equal(batch.problem, undefined)
    const [state] = (batch.items ?? []).map((item) => item.state)
    assert.equal(state && sdk.problemOf(state)?.code, 'SLACK_NO_TEXT')
    for (const run of await ht.syncs.runs(1)) assert.deepEqual(sdk.problemOf(run), problem)
  })

  test('that exists already is found in a raw response too', async () => {
    const home = await world({ pastRuns: 0, runs: { seconds: 1 } })
    await using ht = clientOf(home)
    assert.equal(await ht.syncs.latestRun(1), null)
    assert.equal(await (await ht.syncs.withRawResponse.latestRun(1)).parse(), null)
    const started = await ht.syncs.trigger(1)
    const latest = await (await ht.syncs.withRawResponse.latestRun(1)).parse()
    const named = await (await ht.syncs.withRawResponse.run(1, started.id)).parse()
    assert.deepEqual([latest?.id, named.id, named.syncId], [started.id, started.id, 1])
  })

  test('is read once until it is aborted', async () => {
    await using ht = clientOf(await world())
    const run = await ht.syncs.trigger(1)
    assert.equal((await run.state()).id, run.id)
    await assert.rejects(run.state({ signal: AbortSignal.abort(new Error('enough')) }), /enough/)
    await assert.rejects(run.state({ timeoutMs: 1 } as object), sdk.InvalidRequestError)
  })
})
