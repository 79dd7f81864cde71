import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'
import * as sdk from 'hightouch-sdk'

import { Door } from '../dist/door.js'
import { settingsOf, useSandbox } from './support.js'

const RUNS = 60

/** `value` as JSON has it: without what is undefined, `-0` as `0`, objects plain. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

// Any text that UTF-8 can carry.
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
/** JSON inside as many lists and objects as the walls say. */
const deep = fc
  .tuple(json, fc.array(fc.boolean(), { maxLength: 100 - 8 }))
  .map(([core, walls]) =>
    walls.reduce<sdk.JsonValue>((inner, list) => (list ? [inner] : { in: inner }), core),
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
const cron = fc.record({ kind: fc.constant('cron' as const), expression: text })
const visual = fc.record({
  kind: fc.constant('visual' as const),
  expressions: fc.array(fc.record({ days, time: text }), { maxLength: 3 }),
})
const dbt = fc.record({
  kind: fc.constant('dbt' as const),
  account: fc.record({ id: text }),
  job: fc.record({ id: text }),
})
const interval = (unit: fc.Arbitrary<string>) =>
  fc.record({ kind: fc.constant('interval' as const), interval: fc.record({ unit, quantity: id }) })
/** What is none of the kinds above, however it looks. */
const stranger = fc.record({
  kind: fc.constant('unknown' as const),
  raw: fc
    .dictionary(text, json, { maxKeys: 4 })
    .filter((raw) => !['interval', 'expression', 'expressions', 'job'].some((name) => name in raw)),
})
const schedule = fc.record({
  type: text,
  schedule: optional(fc.oneof(interval(text), cron, visual, dbt, stranger)),
})

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
const event = fc.record({
  schema: configuration,
  type: fc.oneof(fc.constantFrom('track', 'identify'), text),
  onUndeclaredFields: optional(fc.oneof(fc.constantFrom('OMIT_FIELDS'), text)),
  onSchemaViolation: optional(fc.oneof(fc.constantFrom('BLOCK_EVENT'), text)),
  version: optional(text),
  slug: optional(text),
  name: optional(text),
})

/** As the server has it: without the tag that this package adds to a rule. */
function asServed({ type, schedule: given }: sdk.Schedule): object {
  if (!given) return { type }
  const { kind, ...members } = given
  return { type, schedule: kind === 'unknown' ? (given as { raw: unknown }).raw : members }
}

describe('any value that a user can build survives the door', () => {
  const door = new Door({ apiKey: 'k', environment: {} })
  /** What `op` gives when it is asked with `args` and the server's answer is `answer`. */
  const through = async (op: string, args: object, answer: object): Promise<Record<string, unknown>> =>
    door.value('parse', { op, args, status: 200, headers: {}, body: JSON.stringify(answer) })

  test('a schedule of any kind, known or not', async () => {
    const property = fc.asyncProperty(schedule, async (given) => {
      const answer = { id: 1, slug: 's', schedule: asServed(given) }
      const read = await through('syncs.update', { sync: 1, schedule: given }, answer)
      assert.deepEqual(read.schedule, plain(given))
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
      assert.deepEqual(read.configuration, plain(given))
    })
    const named = { id: 1, slug: 's' }
    await fc.assert(property, { numRuns: RUNS * 3 })
  })

  test('the variables of a message', async () => {
    const property = fc.asyncProperty(fc.array(variable, { maxLength: 3 }), async (variables) => {
      const args = { flowId: 'f', messageId: 'm', variables }
      const read = await through('decision_engine.update_message', args, { id: 'm', name: 'n', variables })
      assert.deepEqual(read.variables, plain(variables))
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
      assert.deepEqual(read.events, plain(events))
    })
    await fc.assert(property, { numRuns: RUNS })
  })
})

/** What a server takes that keeps to the document: one type needs no rule, the others one of the known kinds. */
const documented = fc.oneof<fc.Arbitrary<sdk.Schedule>[]>(
  fc.record({
    type: text,
    schedule: fc.oneof<fc.Arbitrary<sdk.ScheduleRule>[]>(
      interval(fc.constantFrom('minute', 'hour', 'day', 'week')),
      cron,
      visual,
      dbt,
    ),
  }),
  fc.record({ type: fc.constant('match_booster'), schedule: fc.constant(undefined) }),
)
const documentedEvent = fc.record({
  schema: configuration,
  type: fc.constantFrom('track', 'identify', 'page', 'screen', 'group'),
  onUndeclaredFields: fc.constantFrom('ALLOW_EVENT', 'BLOCK_EVENT', 'OMIT_FIELDS'),
  onSchemaViolation: fc.constantFrom('ALLOW_EVENT', 'BLOCK_EVENT'),
  version: text,
  slug: text,
  name: text,
})

describe('any value that a user can build comes back from a server that keeps it', () => {
  const { sandbox, world } = useSandbox()
  const requests = 100_000
  const client = async (): Promise<sdk.Hightouch> => {
    const home = await world({ limit: { requests, seconds: 10 } })
    return new sdk.Hightouch({ ...settingsOf(sandbox, home), limit: [requests, 10] })
  }

  test("a sync's configuration and schedule, which another sync can be given", async () => {
    await using ht = await client()
    const property = fc.asyncProperty(
      configuration,
      documented,
      fc.boolean(),
      async (given, when, disabled) => {
        await ht.syncs.update(1, { configuration: given, schedule: when, disabled })
        const first = await ht.syncs.get(1)
        // What is given is laid over what is there.
        assert.deepEqual(first.configuration, { ...(first.configuration as object), ...plain(given) })
        assert.deepEqual(first.schedule, plain(when))
        assert.equal(first.disabled, disabled)
        const second = await ht.syncs.update(2, { schedule: first.schedule })
        assert.deepEqual(second.schedule, first.schedule)
        assert.equal((await ht.syncs.update(1, { schedule: null })).schedule, undefined)
      },
    )
    await fc.assert(property, { numRuns: RUNS })
  })

  test("a message's variables, tags and settings", async () => {
    await using ht = await client()
    const [flow] = (await ht.decisionEngine.listFlows()).data
    assert(flow)
    const message = { name: 'm', channelId: 'channel-email' }
    const property = fc.asyncProperty(
      configuration,
      fc.array(variable, { maxLength: 3 }),
      async (config, variables) => {
        const made = await ht.decisionEngine.createMessage(flow.id, {
          ...message,
          config,
          tags: config,
          variables,
        })
        const read = await ht.decisionEngine.getMessage(flow.id, made.id)
        assert.deepEqual([read.config, read.tags, read.variables], plain([config, config, variables]))
      },
    )
    await fc.assert(property, { numRuns: RUNS })
  })

  test("a contract's events", async () => {
    await using ht = await client()
    const property = fc.asyncProperty(
      text,
      fc.array(documentedEvent, { maxLength: 3 }),
      async (description, events) => {
        const made = await ht.eventContracts.create({
          name: 'c',
          slug: 'c',
          onUndeclaredSchema: 'ALLOW_EVENT',
          description,
          events,
        })
        const read = await ht.eventContracts.get(made.id)
        assert.deepEqual([read.description, read.events], plain([description, events]))
      },
    )
    await fc.assert(property, { numRuns: RUNS })
  })
})
