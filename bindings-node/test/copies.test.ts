/* eslint-disable @typescript-eslint/no-misused-spread -- users without a linter write such code */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'

import * as sdk from 'hightouch-sdk'

import { logOf, settingsOf, useSandbox } from './support.js'

const TEXT = '{ "mode": "upsert", "id": 123456789012345678901234567890 }'

/** Copies every enumerable member, including inherited ones, like `merge` and `cloneDeep` of lodash. */
function merged(target: object, ...sources: object[]): object {
  for (const source of sources) {
    for (const name in source) Reflect.set(target, name, Reflect.get(source, name))
  }
  return target
}

/** Incident: the argument `{ ...sync.configuration, mode: 'insert' }` was sent as `{"value": {…}, "mode": …}`. */
describe('a copy of a Json', () => {
  const { sandbox, world } = useSandbox()
  const json = sdk.Json.parse(TEXT)
  const change = { mode: 'insert' }
  const copies: Record<string, object> = {
    'that was spread': { ...json, ...change },
    'that was assigned': Object.assign({}, json, change),
    'that was merged': merged({}, json, change),
    'that was cloned with its prototype': merged(Object.create(sdk.Json.prototype as object) as object, json),
    'that has its descriptors': Object.create(
      sdk.Json.prototype as object,
      Object.getOwnPropertyDescriptors(json),
    ) as object,
    'that inherits from it': Object.create(json) as object,
    'that was spread alone': { ...json },
  }

  for (const [how, copy] of Object.entries(copies)) {
    test(`${how} cannot be sent, and the message says what to write`, async () => {
      const home = await world()
      await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
      const given = copy as sdk.JsonInput
      for (const configuration of [given, { theirs: [given] }]) {
        const path = configuration === given ? 'configuration' : 'configuration.theirs[0]'
        await assert.rejects(ht.syncs.update(1, { configuration }), (error) => {
          assert(error instanceof sdk.InvalidRequestError, inspect(error))
          assert(
            error.message.startsWith(
              `syncs.update: the argument \`${path}\` cannot be sent: this is a copy of a Json.`,
            ),
            error.message,
          )
          assert.match(error.message, /\.\.\.json\.value.*json\.with\(/)
          return true
        })
      }
      await assert.rejects(ht.request('POST', '/x', { body: given }), sdk.InvalidRequestError)
      assert.throws(() => new sdk.Json(given), /value: this is a copy of a Json/)
      assert.throws(() => json.equals(given), /value: this is a copy of a Json/)
      assert.deepEqual(await logOf(sandbox, home), [])
    })
  }

  /**
   * `merge` and `set` of lodash change an object in place. If the object contains a Json, they assign members to the
   * Json.
   */
  test('cannot be sent, and neither can a Json to which members were assigned', async () => {
    const home = await world()
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const configuration = sdk.Json.parse(TEXT)
    merged(configuration, change)
    await assert.rejects(ht.syncs.update(1, { configuration }), (error) => {
      assert(error instanceof sdk.InvalidRequestError, inspect(error))
      return error.message.startsWith(
        'syncs.update: the argument `configuration` cannot be sent: members of a Json cannot be assigned.',
      )
    })
    assert.deepEqual(await logOf(sandbox, home), [])
  })

  test('cannot be made by structuredClone, and the message says what to clone instead', async () => {
    const home = await world()
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    const sync = await ht.syncs.get(1)
    assert(sync.configuration)
    for (const value of [json, sync]) {
      assert.throws(() => structuredClone(value), /a Json cannot be copied: copy its `value`/)
    }
    assert.deepEqual(structuredClone(sync.configuration.value), sync.configuration.value)
  })

  test('is not needed to compare, print or encode a Json', () => {
    assert.deepEqual(json, sdk.Json.parse(`\n${TEXT}`))
    assert.notDeepEqual(json, sdk.Json.parse('{}'))
    assert.equal(inspect({ json }), "{ json: Json { mode: 'upsert', id: 1.2345678901234568e+29 } }")
    assert.equal(JSON.stringify(json), '{"mode":"upsert","id":1.2345678901234568e+29}')
  })
})
