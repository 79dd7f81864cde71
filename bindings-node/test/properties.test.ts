import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'

import fc from 'fast-check'
import { Door } from '../dist/door.js'
import * as sdk from '../dist/index.js'
import { settingsOf, useSandbox, type World } from './support.js'

const RUNS = 60

/** Encodes and decodes a value, so that undefined members are left out, `-0` is `0`, and a `Json` is its value. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

// Generates any text that UTF-8 can encode.
const text = fc.string({ unit: 'binary' })
const id = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const optional = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined })
const texts = fc.dictionary(text, text, { maxKeys: 4 })

const json = fc.letrec<{ any: sdk.JsonValue }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<sdk.JsonValue>(null, true, false, '', 0, {}, []),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.maxSafeInteger(),
    text,
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(text, tie('any'), { maxKeys: 4 }),
  ),
})).any
/** Generates JSON in up to 92 nested arrays and objects. */
const deep = fc
  .tuple(json, fc.array(fc.boolean(), { maxLength: 100 - 8 }))
  .map(([core, levels]) =>
    levels.reduce<sdk.JsonValue>((inner, isArray) => (isArray ? [inner] : { in: inner }), core),
  )
const configuration = fc.dictionary(text, fc.oneof({ weight: 3, arbitrary: json }, deep), { maxKeys: 5 })

const days = fc.record(
  Object.fromEntries(
    ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'].map((day) => [
      day,
      fc.boolean(),
    ]),
  ),
  { requiredKeys: [] },
)
const units = fc.constantFrom('minute', 'hour', 'day', 'week')
const interval = (unit: fc.Arbitrary<string>) =>
  fc.record({ kind: fc.constant('interval' as const), interval: fc.record({ unit, quantity: id }) })
/** Generates a rule of a kind that the API documents. */
const rule = fc.oneof<fc.Arbitrary<sdk.ScheduleRule<sdk.JsonInput>>[]>(
  interval(units),
  fc.record({ kind: fc.constant('cron' as const), expression: text }),
  fc.record({
    kind: fc.constant('visual' as const),
    expressions: fc.array(fc.record({ days, time: text }), { maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('dbt' as const),
    account: fc.record({ id: text }),
    job: fc.record({ id: text }),
  }),
)
/** Generates a rule of a kind that the API does not document. */
const unknownRule = fc.record({
  kind: fc.constant('unknown' as const),
  raw: fc
    .dictionary(text, json, { maxKeys: 4 })
    .filter((raw) => !['interval', 'expression', 'expressions', 'job'].some((name) => name in raw)),
})
const schedule = fc.record({
  type: text,
  schedule: optional(
    fc.oneof<fc.Arbitrary<sdk.ScheduleRule<sdk.JsonInput>>[]>(rule, interval(text), unknownRule),
  ),
})
/** Generates a documented schedule: with a rule of a documented kind, or of the type `match_booster` without a rule. */
const documented = fc.oneof<fc.Arbitrary<sdk.Schedule<sdk.JsonInput>>[]>(
  fc.record({ type: text, schedule: rule }),
  fc.record({ type: fc.constant('match_booster'), schedule: fc.constant(undefined) }),
)

const variant = fc.record({
  value: text,
  tags: optional(texts),
  firstEligibleSendDate: optional(text),
  lastEligibleSendDate: optional(text),
  userAudienceFilter: optional(configuration),
  localeValues: optional(texts),
})
const variable = fc.record({
  name: text,
  config: optional(
    fc.record({
      localizationEnabled: optional(fc.boolean()),
      maxSendsPerUserWindowDays: optional(id),
      maxSendsPerUser: optional(id),
    }),
  ),
  variants: fc.array(variant, { maxLength: 3 }),
})
/** Generates an event. `words` gets the documented values of an enumeration, and returns a generator of values. */
const eventOf = (words: (...known: string[]) => fc.Arbitrary<string>) =>
  fc.record({
    schema: configuration,
    type: words('track', 'identify'),
    onUndeclaredFields: optional(words('ALLOW_EVENT', 'BLOCK_EVENT', 'OMIT_FIELDS')),
    onSchemaViolation: optional(words('ALLOW_EVENT', 'BLOCK_EVENT')),
    version: optional(text),
    slug: optional(text),
    name: optional(text),
  })
const event = eventOf((...known) => fc.oneof(fc.constantFrom(...known), text))
const documentedEvent = eventOf((...known) => fc.constantFrom(...known))

/** Converts a schedule to the JSON that the server uses, in which a rule has no `kind`. */
function asServed({ type, schedule: given }: sdk.Schedule<sdk.JsonInput>): object {
  if (!given) return { type }
  const { kind, ...members } = given
  return { type, schedule: kind === 'unknown' ? (given as { raw: unknown }).raw : members }
}

describe('any value that a user can build is the same after encoding and decoding', () => {
  let body = ''
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end(body))
  })
  let door: Door
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const baseUrl = `http://127.0.0.1:${String(port)}/api/v1`
    door = new Door({ apiKey: 'k', baseUrl, environment: {}, limit: [100_000, 1] })
  })
  after(async () => {
    await door.value('client.close')
    server.close()
  })
  /** Returns what `op` returns with these arguments if the server answers `answer`. */
  const through = async (op: string, args: object, answer: object): Promise<Record<string, unknown>> => {
    body = JSON.stringify(answer)
    return door.value(op, args)
  }

  test('a schedule of any kind, known or not', async () => {
    const property = fc.asyncProperty(schedule, async (given) => {
      const answer = { id: 1, slug: 's', schedule: asServed(given) }
      const read = await through('syncs.update', { sync: 1, schedule: given }, answer)
      assert.deepEqual(plain(read.schedule), plain(given))
    })
    await fc.assert(property, { numRuns: RUNS * 3 })
  })

  test('the configuration of anything', async () => {
    const property = fc.asyncProperty(configuration, async (given) => {
      const read = await through(
        'syncs.update',
        { sync: 1, configuration: given },
        { ...named, configuration: given },
      )
      assert.deepEqual((read.configuration as sdk.Json).value, plain(given))
    })
    const named = { id: 1, slug: 's' }
    await fc.assert(property, { numRuns: RUNS * 3 })
  })

  test('the variables of a message', async () => {
    const property = fc.asyncProperty(fc.array(variable, { maxLength: 3 }), async (variables) => {
      const args = { flowId: 'f', messageId: 'm', variables }
      const read = await through('decision_engine.update_message', args, { id: 'm', name: 'n', variables })
      assert.deepEqual(plain(read.variables), plain(variables))
    })
    await fc.assert(property, { numRuns: RUNS })
  })

  test('the events of a contract', async () => {
    const property = fc.asyncProperty(fc.array(event, { maxLength: 3 }), async (events) => {
      const read = await through(
        'event_contracts.update',
        { contractId: 'c', events },
        { id: 'c', name: 'n', events },
      )
      assert.deepEqual(plain(read.events), plain(events))
    })
    await fc.assert(property, { numRuns: RUNS })
  })
})

describe('any value that a user can build is the same when it is read back from a server', () => {
  const { sandbox, world } = useSandbox()
  const wide = { requests: 100_000, seconds: 10 }
  const clientOf = (home: World): sdk.Hightouch =>
    new sdk.Hightouch({ ...settingsOf(sandbox, home), limit: [wide.requests, wide.seconds] })

  test('a sync, whose schedule can be copied to another sync', async () => {
    await using ht = clientOf(await world({ limit: wide }))
    const property = fc.asyncProperty(
      configuration,
      documented,
      fc.boolean(),
      async (given, when, disabled) => {
        await ht.syncs.update(1, { schedule: null })
        await ht.syncs.update(1, { configuration: given, schedule: when, disabled })
        const first = await ht.syncs.get(1)
        const stored = first.configuration?.value as Record<string, sdk.JsonValue>
        assert.deepEqual({ ...stored, ...plain(given) }, stored)
        assert.deepEqual(first.schedule, plain(when))
        assert.equal(first.disabled, disabled)
        const second = await ht.syncs.update(2, { schedule: first.schedule })
        assert.deepEqual(second.schedule, first.schedule)
      },
    )
    await fc.assert(property, { numRuns: RUNS })
  })

  test('the variables of a message that was updated', async () => {
    const home = await world({ limit: wide })
    await using ht = clientOf(home)
    const [flow, message] = ['00000000-0000-4000-8000-000000000001', '00000001-0000-4000-8000-000000000001']
    const property = fc.asyncProperty(fc.array(variable, { maxLength: 3 }), async (variables) => {
      await ht.decisionEngine.updateMessage(flow, message, { variables })
      const read = await ht.decisionEngine.getMessage(flow, message)
      assert.deepEqual(plain(read.variables), plain(variables))
    })
    await fc.assert(property, { numRuns: RUNS })
  })

  test('the events of a contract, which can be copied to another contract', async () => {
    await using ht = clientOf(await world({ limit: wide }))
    const events = fc.array(documentedEvent, { maxLength: 3 })
    const property = fc.asyncProperty(events, async (given) => {
      await ht.eventContracts.update('contract-000001', { events: given })
      const first = await ht.eventContracts.get('contract-000001')
      // The server may add members that were left out, so only the members that were sent are compared.
      const merged = plain(first.events).map((read, i) => ({ ...read, ...plain(given[i]) }))
      assert.deepEqual(merged, plain(first.events))
      assert.equal(first.events.length, given.length)
      const second = await ht.eventContracts.update('contract-000002', { events: first.events })
      assert.deepEqual(second.events, first.events)
    })
    await fc.assert(property, { numRuns: RUNS })
  })
})
