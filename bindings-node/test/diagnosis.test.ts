/** Tests that a diagnosis reaches the user as data and as text. The tests of the core cover each finding. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'

import { Hightouch } from 'hightouch-sdk'

import { settingsOf, useSandbox } from './support.js'

describe('a diagnosis', () => {
  const { sandbox, world } = useSandbox()

  test('of settings that are wrong is returned and not thrown', async () => {
    const home = await world()
    const settings = { ...settingsOf(sandbox, home), apiKey: 'canary in two' }
    assert.throws(() => new Hightouch(settings))
    const { ok, findings, text, baseUrl, tls } = await Hightouch.diagnose(settings)
    assert.equal(ok, false)
    assert.deepEqual(
      findings.map(({ code }) => code),
      ['malformed_key'],
    )
    const [{ message, advice }] = findings as [(typeof findings)[0]]
    assert.ok(advice && text.includes(`malformed_key: ${message}\n    ${advice}`), text)
    assert.deepEqual({ baseUrl, tls }, { baseUrl: home.baseUrl, tls: undefined })
    assert.ok(!inspect(findings).includes('canary') && !text.includes('canary'))
  })

  test('without a key says how to set one', async () => {
    const { findings } = await Hightouch.diagnose({
      ...settingsOf(sandbox, await world()),
      apiKey: undefined,
    })
    const finding = findings.at(0)
    assert.equal(finding?.code, 'no_key')
    assert.match(finding.advice ?? '', /HIGHTOUCH_API_KEY/)
  })

  test('with an option that it does not have is refused', async () => {
    const client = new Hightouch(settingsOf(sandbox, await world()))
    const options: object = { timeoutMs: 1000 }
    await assert.rejects(client.diagnose(options), { kind: 'invalid_request', operation: 'diagnose' })
    await client.close()
  })

  test('that finds no problem is the same from settings and from a client', async () => {
    const settings = settingsOf(sandbox, await world())
    const client = new Hightouch(settings)
    for (const { ok, findings, tls, text } of [await Hightouch.diagnose(settings), await client.diagnose()]) {
      assert.deepEqual({ ok, codes: findings.map(({ code }) => code) }, { ok: true, codes: ['ok'] })
      assert.equal(tls?.keyExchange, 'X25519MLKEM768')
      assert.match(text, /The API answers\.$/)
    }
    await client.close()
  })
})
