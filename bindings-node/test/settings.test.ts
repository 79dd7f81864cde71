import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'

import * as sdk from 'hightouch-sdk'

import { logOf, settingsOf, useSandbox } from './support.js'

/** What no length of time is, in milliseconds; `0.5` because the core counts whole ones. */
const NO_TIMES = [NaN, Infinity, -Infinity, -1, 0, -0.5, 0.5, 1e30, Number.MAX_VALUE]

describe('a setting that is wrong', () => {
  const { sandbox, world } = useSandbox()
  const canary = 'canary-7d20'

  const refusal = (options: object): sdk.ConfigError => {
    try {
      new sdk.Hightouch({ apiKey: canary, environment: {}, ...options } as sdk.HightouchOptions)
    } catch (error) {
      assert(error instanceof sdk.ConfigError, inspect(error))
      return error
    }
    return assert.fail(`${inspect(options)} was taken`)
  }

  test('is named when the client is made, and not repeated', () => {
    const cases: [object, RegExp][] = [
      [{ baseUrl: '' }, /baseUrl/],
      [{ baseUrl: 'hightouch' }, /baseUrl/],
      [{ baseUrl: 'ftp://api.example.com' }, /baseUrl/],
      [{ baseUrl: 'http://api.example.com' }, /baseUrl must be https/],
      [{ baseUrl: `https://user:${canary}@api.example.com` }, /baseUrl must not hold credentials/],
      [{ proxy: `socks4://${canary}@proxy.example` }, /proxy/],
      [{ proxy: `http://user:${canary}@proxy.example:port` }, /proxy/],
      [{ apiKey: `${canary}\nsecond` }, /line break/],
      [{ share: 1.5 }, /share/],
      [{ share: NaN }, /share/],
      [{ maxRetries: -1 }, /maxRetries/],
      [{ maxWaitMs: -1 }, /maxWaitMs/],
      [{ limit: [0, 10] }, /limit/],
    ]
    for (const [options, named] of cases) {
      const error = refusal(options)
      assert.match(error.message, named)
      assert.equal(inspect(error).includes(canary), false, inspect(error))
    }
  })

  test('is named where it is no length of time', () => {
    for (const time of NO_TIMES) {
      assert.match(refusal({ timeoutMs: time }).message, /timeoutMs/)
      assert.match(refusal({ deadlineMs: time }).message, /deadlineMs/)
    }
  })

  test('is named as an option of a call, and nothing is sent', async () => {
    const home = await world()
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    for (const time of NO_TIMES) {
      for (const options of [{ timeoutMs: time }, { deadlineMs: time }]) {
        const named = new RegExp(Object.keys(options)[0] ?? '')
        const refused = (error: unknown): boolean =>
          error instanceof sdk.InvalidRequestError && named.test(error.message)
        await assert.rejects(ht.syncs.trigger(1, {}, options), refused)
        await assert.rejects(ht.request('GET', '/syncs', {}, options), refused)
      }
    }
    assert.deepEqual(await logOf(sandbox, home), [])
  })

  test('is named where it is no signal', async () => {
    const home = await world()
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    for (const odd of [new AbortController(), null, 'signal', {}]) {
      const signal = odd as unknown as AbortSignal
      await assert.rejects(
        ht.syncs.get(1, { signal }),
        (error) =>
          error instanceof sdk.InvalidRequestError &&
          error.message === 'options.signal: must be an AbortSignal. Nothing was sent.',
      )
    }
    assert.deepEqual(await logOf(sandbox, home), [])
  })
})
