import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { inspect, promisify } from 'node:util'

import * as sdk from 'hightouch-sdk'

import { emptyFolder, logOf, PERMISSION, ROOT, settingsOf, useSandbox } from './support.js'

/** Invalid time limits. A time limit is a whole number of milliseconds, above 0 and below 2^64. */
const NOT_DURATIONS = [NaN, Infinity, -Infinity, -1, 0, -0.5, 0.5, 1e30, Number.MAX_VALUE]

describe('a wrong setting', () => {
  const { sandbox, world } = useSandbox()
  const canary = 'canary-7d20'

  const refusal = (options: object): sdk.ConfigError => {
    try {
      new sdk.Hightouch({ apiKey: canary, environment: {}, ...options } as sdk.HightouchOptions)
    } catch (error) {
      assert(error instanceof sdk.ConfigError, inspect(error))
      return error
    }
    return assert.fail(`${inspect(options)} was accepted`)
  }

  test('is named when the client is created, and its value is not shown', () => {
    const cases: [object, RegExp][] = [
      [{ baseUrl: '' }, /baseUrl/],
      [{ baseUrl: 'hightouch' }, /baseUrl/],
      [{ baseUrl: 'ftp://api.example.com' }, /baseUrl/],
      [{ baseUrl: 'http://api.example.com' }, /`baseUrl` must be https/],
      [{ baseUrl: `https://user:${canary}@api.example.com` }, /`baseUrl` must not hold credentials/],
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

  test('is named if it is not a duration', () => {
    for (const time of NOT_DURATIONS) {
      assert.match(refusal({ timeoutMs: time }).message, /timeoutMs/)
      assert.match(refusal({ deadlineMs: time }).message, /deadlineMs/)
    }
  })

  test('is named if it is an option of a call, and nothing is sent', async () => {
    const home = await world()
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    for (const time of NOT_DURATIONS) {
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

  test('is named if it is a signal of another type', async () => {
    const home = await world()
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    for (const wrong of [new AbortController(), null, 'signal', {}]) {
      const signal = wrong as unknown as AbortSignal
      await assert.rejects(
        ht.syncs.get(1, { signal }),
        (error) =>
          error instanceof sdk.InvalidRequestError &&
          error.message === 'syncs.get: the option `signal` must be an AbortSignal. Nothing was sent.',
      )
    }
    assert.deepEqual(await logOf(sandbox, home), [])
  })
})

/** Sets an environment variable while `during` runs. */
async function withVariable(name: string, value: string, during: () => Promise<void>): Promise<void> {
  const kept = process.env[name]
  try {
    process.env[name] = value
    await during()
  } finally {
    if (kept === undefined) Reflect.deleteProperty(process.env, name)
    else process.env[name] = kept
  }
}

describe('the certificates that a client trusts', () => {
  const { sandbox, world } = useSandbox()

  /** Incident: NODE_EXTRA_CA_CERTS was ignored, although Node.js itself honours it. */
  test('are also those of NODE_EXTRA_CA_CERTS, unless caBundle names others', async () => {
    const home = await world()
    const { caBundle, ...settings } = settingsOf(sandbox, home)
    await withVariable('NODE_EXTRA_CA_CERTS', String(caBundle), async () => {
      await using trusting = new sdk.Hightouch(settings)
      assert.equal((await trusting.syncs.get(1)).id, 1)
    })
    await withVariable('NODE_EXTRA_CA_CERTS', '/no/such/file.pem', async () => {
      await using wary = new sdk.Hightouch(settings)
      await assert.rejects(wary.syncs.get(1), sdk.TlsError)
      await using given = new sdk.Hightouch({ ...settings, caBundle: String(caBundle) })
      assert.equal((await given.syncs.get(1)).id, 1)
    })
  })
})

/** Incident: such a file made every client throw an error about `caBundle`, although Node.js goes on without it. */
describe('a file of NODE_EXTRA_CA_CERTS that cannot be used', () => {
  const { sandbox } = useSandbox()
  const cases = [
    ['that is empty', 'empty.pem', 'which holds no certificate'],
    ['that is a folder', '', 'which cannot be read: it is a directory'],
    ['that is missing', 'none.pem', 'which cannot be read: the file does not exist'],
  ] as const
  for (const [what, name, why] of cases) {
    test(`${what} is ignored with one warning`, async () => {
      const file = path.join(emptyFolder(), name)
      if (name === 'empty.pem') writeFileSync(file, '')
      const warnings: Error[] = []
      const listener = (warning: Error): number => warnings.push(warning)
      process.on('warning', listener)
      await withVariable('NODE_EXTRA_CA_CERTS', file, async () => {
        await using ht = new sdk.Hightouch({ apiKey: 'k' })
        await ht.stats()
        const { findings } = await sdk.Hightouch.diagnose({
          apiKey: 'k',
          baseUrl: 'http://127.0.0.1:9/api/v1',
        })
        assert.doesNotMatch(JSON.stringify(findings), /caBundle/)
        assert.throws(() => new sdk.Hightouch({ apiKey: 'k', caBundle: file }), /^ConfigError: .*`caBundle`/)
      })
      // Node.js emits a warning in the next tick.
      await setImmediate()
      process.off('warning', listener)
      const [{ message } = assert.fail('no warning'), ...others] = warnings
      assert.deepEqual(others, [])
      const start = `The variable NODE_EXTRA_CA_CERTS names ${file}, ${why}. The clients of hightouch-sdk go on`
      assert(message.startsWith(start), message)
    })
  }

  /** Incident: with --permission, the constructor threw ERR_ACCESS_DENIED. */
  test('is used if only --permission hides it, as by Node.js itself', async () => {
    const dist = path.join(ROOT, 'bindings-node')
    const code = `new (require(${JSON.stringify(path.join(dist, 'dist', 'hightouch-sdk.js'))}).Hightouch)({ apiKey: 'k' })`
    const flags = [PERMISSION, '--allow-addons', `--allow-fs-read=${dist}/`]
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: sandbox.ca }
    const { stderr } = await promisify(execFile)(process.execPath, [...flags, '--eval', code], { env })
    assert.doesNotMatch(stderr, /NODE_EXTRA_CA_CERTS/)
  })
})

/** Incident: messages listed internal names, such as `keyLater`, but neither `onStart` nor `signal`. */
describe('an unknown name', () => {
  const { sandbox, world } = useSandbox()
  const internal = /keyLater|timeScale|selfTest|jsonText|inKeyFunction|diagnosing|language|environment/

  const isRefused =
    (Class: typeof sdk.HightouchError, message: string) =>
    (error: unknown): boolean => {
      assert(error instanceof Class, inspect(error))
      assert.equal(error.message, message)
      assert.doesNotMatch(error.message, internal)
      return true
    }

  test('of a setting is answered with the nearest one, or all that users may set', async () => {
    const cases: [object, string][] = [
      [{ onStrat: () => 1 }, 'Unknown setting `onStrat`; did you mean `onStart`? Nothing was sent.'],
      [{ onend: () => 1 }, 'Unknown setting `onend`; did you mean `onEnd`? Nothing was sent.'],
      [{ timeout: 5 }, 'Unknown setting `timeout`; did you mean `timeoutMs`? Nothing was sent.'],
      [{ api_key: 'k' }, 'Unknown setting `api_key`; did you mean `apiKey`? Nothing was sent.'],
      [{ retries: 5 }, 'Unknown setting `retries`; did you mean `maxRetries`? Nothing was sent.'],
      [{ keyLatr: true }, ''],
      [
        { fetch: 5 },
        'Unknown setting `fetch`; known are `apiKey`, `apiKeyFile`, `baseUrl`, `limit`, `share`, `limitScope`, ' +
          '`timeoutMs`, `deadlineMs`, `maxWaitMs`, `maxRetries`, `caBundle`, `proxy`, `headers`, `onStart`, `onEnd`. Nothing was sent.',
      ],
    ]
    for (const [options, message] of cases) {
      const unknown = { apiKey: 'k', ...options }
      const refused =
        message === ''
          ? (error: unknown) => error instanceof sdk.ConfigError && !internal.test(error.message)
          : isRefused(sdk.ConfigError, message)
      assert.throws(() => new sdk.Hightouch(unknown), refused)
      await assert.rejects(sdk.Hightouch.diagnose(unknown), refused)
    }
  })

  test('of an option or an argument is answered with the nearest one, or all of them', async () => {
    const home = await world()
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const cases: [object, string][] = [
      [{ signl: 1 }, 'syncs.get: unknown option `signl`; did you mean `signal`? Nothing was sent.'],
      [{ timeout: 1 }, 'syncs.get: unknown option `timeout`; did you mean `timeoutMs`? Nothing was sent.'],
      [
        { fetch: 1 },
        'syncs.get: unknown option `fetch`; known are `timeoutMs`, `deadlineMs`, `maxRetries`, `maxWaitMs`, `priority`, `headers`, ' +
          '`signal`. Nothing was sent.',
      ],
      [
        { raw: true },
        'syncs.get: unknown option `raw`; known are `timeoutMs`, `deadlineMs`, `maxRetries`, `maxWaitMs`, `priority`, `headers`, ' +
          '`signal`. Nothing was sent.',
      ],
    ]
    for (const [options, message] of cases) {
      await assert.rejects(ht.syncs.get(1, options), isRefused(sdk.InvalidRequestError, message))
      const ofList = message.replace('syncs.get', 'syncs.list')
      await assert.rejects(ht.syncs.list({}, options).then(), isRefused(sdk.InvalidRequestError, ofList))
    }
    const misspelt = { params: { limit: 5 } } as sdk.RequestArgs
    await assert.rejects(
      ht.request('GET', '/syncs', misspelt),
      isRefused(
        sdk.InvalidRequestError,
        'request: unknown argument `params`; known are `query`, `body`. Nothing was sent.',
      ),
    )
    assert.deepEqual(await logOf(sandbox, home), [])
  })
})
