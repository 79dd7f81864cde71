import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { inspect } from 'node:util'

import * as sdk from 'hightouch-sdk'

import { eventually, logOf, settingsOf, useSandbox, type World } from './support.js'

describe('a key function', () => {
  const { sandbox, world } = useSandbox()
  const clientOf = (
    home: World,
    apiKey: sdk.ApiKeyFunction,
    more: sdk.HightouchOptions = {},
  ): sdk.Hightouch => new sdk.Hightouch({ ...settingsOf(sandbox, home), ...more, apiKey })
  /** Creates a key function that returns these keys, one for each call. Further calls return the last key. */
  const giving = (...keys: (string | undefined)[]) =>
    test.mock.fn(async () => {
      await new Promise(setImmediate)
      return (keys.length > 1 ? keys.shift() : keys[0]) ?? ''
    })
  const statuses = async (home: World): Promise<(number | null)[]> =>
    (await logOf(sandbox, home)).map(({ status }) => status)
  /** Returns the kind of the error that `work` rejects with, or `nothing` if it does not reject. */
  const kind = async (work: PromiseLike<unknown>): Promise<string> => {
    try {
      await work
    } catch (error) {
      return error instanceof sdk.HightouchError ? error.kind : String(error)
    }
    return 'nothing'
  }

  test('is called before the first request, and once for all that are made at the same time', async () => {
    const home = await world()
    const give = giving(home.apiKey)
    await using ht = clientOf(home, give)
    assert.equal(give.mock.callCount(), 0)
    await Promise.all(Array.from({ length: 20 }, (_none, i) => ht.syncs.get((i % 3) + 1)))
    assert.equal(give.mock.callCount(), 1)
    assert.deepEqual(new Set(await statuses(home)), new Set([200]))
  })

  test('may return the key without a promise', async () => {
    const home = await world()
    await using ht = clientOf(home, () => home.apiKey)
    assert.equal((await ht.syncs.get(1)).id, 1)
  })

  test('is called once if the server refuses many requests, and each request is sent again once', async () => {
    const home = await world()
    const refused = async () => (await statuses(home)).filter((status) => status === 401).length === 50
    const give = giving(home.keys.invalid, home.apiKey)
    await using ht = clientOf(home, async () => {
      const key = await give()
      // The new key is returned only after the server has refused all requests with the old key.
      if (key === home.apiKey) await eventually(refused)
      return key
    })
    const syncs = await Promise.all(Array.from({ length: 50 }, () => ht.syncs.get(1)))
    assert.deepEqual(new Set(syncs.map(({ id }) => id)), new Set([1]))
    assert.equal(give.mock.callCount(), 2)
    assert.equal((await statuses(home)).filter((status) => status === 200).length, 50)
  })

  test('is not called for a request that is refused after the new key came, and the request is sent again', async () => {
    const home = await world({
      script: [{ when: { operation: 'GetModel' }, answer: { status: 401, delayMs: 1500 } }],
    })
    const give = giving(home.keys.invalid, home.apiKey)
    await using ht = clientOf(home, give)
    const late = ht.models.get(1)
    await ht.syncs.get(1)
    assert.equal(give.mock.callCount(), 2)
    assert.equal((await late).id, 1)
    assert.equal(give.mock.callCount(), 2)
  })

  test('that returns the same key again is not called in a loop', async () => {
    const home = await world({
      script: [{ when: { operation: 'GetModel' }, answer: { status: 401, delayMs: 1500 } }],
    })
    const give = giving(home.keys.invalid)
    await using ht = clientOf(home, give)
    const late = ht.models.get(1)
    const kinds = await Promise.all(Array.from({ length: 20 }, () => kind(ht.syncs.get(1))))
    assert.deepEqual(new Set(kinds), new Set(['authentication']))
    assert.equal(give.mock.callCount(), 2)
    // The key function was called again after the first 401, and returned the same key. `late` began before this second
    // call of the function, so the 401 of `late` does not cause a third call.
    assert.equal(await kind(late), 'authentication')
    assert.equal(give.mock.callCount(), 2)
    assert.equal((await statuses(home)).length, 21)
    // A call that starts now may call the key function again.
    assert.equal(await kind(ht.syncs.get(1)), 'authentication')
    assert.equal(give.mock.callCount(), 3)
  })

  test('is not called again if its second key is refused too', async () => {
    const home = await world()
    const give = giving(home.keys.invalid, home.keys.orphaned)
    await using ht = clientOf(home, give)
    assert.equal(await kind(ht.syncs.get(1)), 'authentication')
    assert.equal(give.mock.callCount(), 2)
    assert.deepEqual(await statuses(home), [401, 401])
  })

  test('that throws makes calls reject with its error as the cause, and nothing is sent', async () => {
    const home = await world()
    const cause = new Error('the vault is sealed')
    const give = test.mock.fn<sdk.ApiKeyFunction>(async () => {
      // All three calls must start before the key function fails. A call that starts later would call it again.
      await setTimeout(500)
      throw cause
    })
    await using ht = clientOf(home, give)
    const calls = [ht.syncs.get(1), ht.syncs.list().then(), ht.request('GET', '/syncs')]
    for (const ended of await Promise.allSettled<unknown>(calls)) {
      assert(ended.status === 'rejected' && ended.reason instanceof sdk.AuthenticationError)
      assert.equal(ended.reason.cause, cause)
    }
    assert.equal(give.mock.callCount(), 1)
    assert.deepEqual(await statuses(home), [])
    give.mock.mockImplementation(async () => Promise.resolve(home.apiKey))
    assert.equal((await ht.syncs.get(1)).id, 1)
  })

  test('that returns something other than a key makes calls reject, and the value is not shown', async () => {
    const home = await world()
    const canary = 'canary 4f1d9c'
    for (const wrong of [canary, '', 7, undefined]) {
      await using ht = clientOf(home, () => wrong as string)
      const error: unknown = await ht.syncs.get(1).catch((thrown: unknown) => thrown)
      assert(error instanceof sdk.AuthenticationError)
      assert(error.cause instanceof Error)
      assert.equal(inspect(error, { depth: 20, showHidden: true }).includes('4f1d9c'), false)
    }
    assert.deepEqual(await statuses(home), [])
  })

  test('is not shown, and neither is its key', async () => {
    const home = await world()
    await using ht = clientOf(home, () => 'canary-4f1d9c')
    const error: unknown = await ht.syncs.get(1).catch((thrown: unknown) => thrown)
    for (const value of [ht, ht.syncs, error, await ht.stats()]) {
      const text = inspect(value, { depth: 20, showHidden: true, getters: true }) + JSON.stringify(value)
      assert.equal(text.includes('4f1d9c'), false, text)
    }
  })

  test('goes on for other calls if one that waits for it is aborted', async () => {
    const home = await world()
    let answer: (key: string) => void = () => undefined
    const give = test.mock.fn(async () => new Promise<string>((resolve) => (answer = resolve)))
    await using ht = clientOf(home, give)
    const aborter = new AbortController()
    const reason = new Error('the user left')
    const leaving = ht.syncs.get(1, { signal: aborter.signal })
    const staying = ht.syncs.get(2)
    await eventually(async () => Promise.resolve(give.mock.callCount() === 1))
    aborter.abort(reason)
    await assert.rejects(leaving, (error) => error === reason)
    answer(home.apiKey)
    assert.equal((await staying).id, 2)
    assert.equal(give.mock.callCount(), 1)
  })

  test('is not called after setApiKey', async () => {
    const home = await world()
    const give = giving(home.keys.invalid)
    await using ht = clientOf(home, give)
    await ht.setApiKey(home.apiKey)
    assert.equal((await ht.syncs.get(1)).id, 1)
    assert.equal(give.mock.callCount(), 0)
  })

  test('is called if the server refuses the key during a wait for a run', async () => {
    const revoked = { when: { operation: 'ListSyncRuns', nth: 1 }, answer: { status: 401 } }
    const home = await world({ script: [revoked], runs: { seconds: 60 } })
    const give = giving(home.apiKey, home.keys.readOnly)
    await using ht = clientOf(home, give)
    const run = await ht.syncs.trigger(1)
    assert.equal((await run.wait()).status, 'success')
    assert.equal(give.mock.callCount(), 2)
  })

  test('of a closed client is not called', async () => {
    const home = await world()
    const ht = clientOf(home, () => home.apiKey)
    await ht.close()
    assert.equal(await kind(ht.syncs.get(1)), 'closed')
  })

  /** Incident: a call inside the key function waited forever for the key that the function was to return. */
  test('cannot make calls with its own client, and the error says so', async () => {
    const home = await world()
    const inner: unknown[] = []
    const ht: sdk.Hightouch = clientOf(home, async () => {
      await ht.syncs.get(1).catch((error: unknown) => inner.push(error))
      return home.apiKey
    })
    assert.equal((await ht.syncs.get(1)).id, 1)
    await ht.close()
    const [error] = inner
    assert(error instanceof sdk.AuthenticationError)
    assert.deepEqual([error.code, error.cause], ['key_function', undefined])
    assert.deepEqual(await statuses(home), [200])
  })

  test('can make calls with a client that has a key', async () => {
    const home = await world()
    await using vault = new sdk.Hightouch(settingsOf(sandbox, home))
    await using ht = clientOf(home, async () => {
      assert.equal((await vault.syncs.get(2)).id, 2)
      return home.apiKey
    })
    assert.equal((await ht.syncs.get(1)).id, 1)
  })

  test('can leave something running that makes calls after it has returned', async () => {
    const home = await world()
    let later: Promise<sdk.Sync> | undefined
    const ht: sdk.Hightouch = clientOf(home, () => {
      later = eventually(async () => Promise.resolve(answered)).then(() => ht.syncs.get(2))
      return home.apiKey
    })
    let answered = false
    assert.equal((await ht.syncs.get(1)).id, 1)
    answered = true
    assert.equal((await later)?.id, 2)
    await ht.close()
  })

  test('that throws any value makes calls reject with a code, and the message names a thrown error', async () => {
    const home = await world()
    for (const cause of [
      new RangeError('no such vault'),
      'a text',
      undefined,
      Object.create(null) as object,
    ]) {
      await using ht = clientOf(home, async () => {
        await Promise.resolve()
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        throw cause
      })
      const error: unknown = await ht.syncs.get(1).catch((thrown: unknown) => thrown)
      assert(error instanceof sdk.AuthenticationError)
      assert.equal(error.code, 'key_function')
      if (cause instanceof Error) assert(error.message.includes('RangeError: no such vault'), error.message)
      if (cause !== undefined) assert.equal(error.cause, cause)
    }
    assert.deepEqual(await statuses(home), [])
  })
})
