import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import * as sdk from 'hightouch-sdk'

import { OPERATION_IDS } from '../dist/names.js'
import { logOf, settingsOf, useSandbox, type World } from './support.js'

describe('a raw response', () => {
  const { sandbox, world } = useSandbox()
  const clientOf = (home: World): sdk.Hightouch => new sdk.Hightouch(settingsOf(sandbox, home))
  const sent = async (home: World): Promise<number> => (await logOf(sandbox, home)).length

  test('has the status, the headers and the body, and parses without sending anything', async () => {
    const home = await world()
    await using ht = clientOf(home)
    const raw = await ht.syncs.withRawResponse.get(2)
    assert(raw instanceof sdk.RawResponse)
    assert.equal(raw.status, 200)
    assert.match(raw.headers['content-type'] ?? '', /^application\/json/)
    assert.equal((JSON.parse(raw.body) as { id: number }).id, 2)
    assert.equal(raw.meta.operation, 'syncs.get')
    assert.equal(await sent(home), 1)
    const parsed = await raw.parse()
    assert.deepEqual(parsed, await raw.parse())
    assert.equal(await sent(home), 1)
    assert.deepEqual(parsed, await ht.syncs.get(2))
  })

  test('of a list is its first page, and parses to its items', async () => {
    const home = await world({ syncs: 5 })
    await using ht = clientOf(home)
    const raw = await ht.syncs.withRawResponse.list({ limit: 2 })
    assert.deepEqual(await raw.parse(), (await ht.syncs.list({ limit: 2 })).data)
    assert.equal(await sent(home), 2)
  })

  test('of a trigger parses to the handle of the run that it started', async () => {
    const home = await world()
    await using ht = clientOf(home)
    const raw = await ht.syncs.withRawResponse.trigger(3)
    const run = await raw.parse()
    assert(run instanceof sdk.SyncRunHandle)
    assert.deepEqual([run.syncId, run.kind, run.adopted], [3, 'sync', false])
    assert.equal((await run.wait()).id, run.id)
    const graph = await (await ht.identityGraphs.withRawResponse.trigger('customers')).parse()
    assert(graph instanceof sdk.IdentityGraphRunHandle)
    assert.equal(graph.graphId, 'customers')
  })

  test('parses after the client is closed, and to a new value each time', async () => {
    const broken = { when: { operation: 'GetSource' }, answer: { status: 200, text: '<html>' } }
    const ht = clientOf(await world({ script: [broken] }))
    const sync = await ht.syncs.get(2)
    const raw = await ht.syncs.withRawResponse.get(2)
    const run = await ht.syncs.withRawResponse.trigger(3)
    const unreadable = await ht.sources.withRawResponse.get(1)
    await ht.close()
    Object.assign(await raw.parse(), { slug: 'changed' })
    assert.deepEqual(await raw.parse(), sync)
    assert.equal((await run.parse()).syncId, 3)
    await assert.rejects(unreadable.parse(), sdk.ProtocolError)
    assert.equal(unreadable.body, '<html>')
  })

  test('of a method that returns nothing parses to undefined', async () => {
    const home = await world()
    await using ht = clientOf(home)
    const raw = await ht.syncs.withRawResponse.delete(1)
    assert(raw.status === 200 || raw.status === 204)
    const parsed: unknown = await (raw as sdk.RawResponse<unknown>).parse()
    assert.equal(parsed, undefined)
  })

  test('that is an error with status 200 is returned, and parsing it rejects', async () => {
    const body = { message: 'Validation failed', details: { slug: 'odd' } }
    const home = await world({ script: [{ when: {}, answer: { status: 200, body } }] })
    await using ht = clientOf(home)
    const raw = await ht.models.withRawResponse.update(1, { name: 'x' })
    assert.deepEqual(JSON.parse(raw.body), body)
    await assert.rejects(raw.parse(), (error) => {
      assert(error instanceof sdk.ValidationError)
      assert.deepEqual(error.details?.value, body.details)
      return true
    })
  })

  test('with an error status makes the call reject, as without withRawResponse', async () => {
    const home = await world()
    await using ht = clientOf(home)
    await assert.rejects(ht.syncs.withRawResponse.get(999), sdk.NotFoundError)
    const reason = new Error('the user left')
    const signal = AbortSignal.abort(reason)
    await assert.rejects(ht.syncs.withRawResponse.get(1, { signal }), (error) => error === reason)
  })

  test('exists for every method of every resource', async () => {
    await using ht = new sdk.Hightouch({ apiKey: 'k' })
    const resources = Object.values(ht) as object[]
    let methods = 0
    for (const resource of resources) {
      const raw = (resource as { withRawResponse: object }).withRawResponse
      assert.equal(Object.getPrototypeOf(raw), Object.getPrototypeOf(resource))
      assert.equal('withRawResponse' in raw, false)
      methods += Object.getOwnPropertyNames(Object.getPrototypeOf(resource)).length - 1
    }
    assert.equal(methods, Object.keys(OPERATION_IDS).length)
  })
})
