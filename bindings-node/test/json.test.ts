import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'

import fc from 'fast-check'
import * as sdk from 'hightouch-sdk'

/** What JavaScript's own numbers and objects do not keep. */
const ODD =
  '{ "big":123456789012345678901234567890, "huge":1e400,"same":1,"same":2.50,"b":{"$json":["x"]},"a":"\\u00e9" }'

const parse = <T = sdk.JsonValue>(text: string): sdk.Json<T> => sdk.Json.parse<T>(text)

describe('JSON that was read', () => {
  test('is its text, and is read when it is looked at', () => {
    const json = parse<{ same: number; big: number }>(` ${ODD}\n`)
    assert.equal(json.text, ODD)
    assert.equal(String(json), ODD)
    assert.equal(json.value.same, 2.5)
    assert.equal(json.value.big, 1.2345678901234568e29)
    assert.equal(json.value, json.value)
    assert.equal(BigInt(/\d{20,}/.exec(json.text)?.[0] ?? 0), 123456789012345678901234567890n)
    assert.throws(() => parse('{'), SyntaxError)
    assert.throws(() => parse('1 2'), SyntaxError)
  })

  /** A change to the value that went out with the old text would be lost in silence. */
  test('cannot be changed in place', () => {
    const json = parse<{ a: { b: number[] } }>('{"a": {"b": [1]}}')
    assert.throws(() => {
      json.value.a = { b: [] }
    }, TypeError)
    assert.throws(() => json.value.a.b.push(2), TypeError)
    const copy = structuredClone(json.value)
    copy.a.b.push(2)
    assert.deepEqual(copy, { a: { b: [1, 2] } })
  })

  test('is equal by value, to the last digit', () => {
    const equal: [string, string][] = [
      ['{"a":1,"b":[2]}', '{ "b" : [2.0], "a" : 10e-1 }'],
      ['1e400', '10E+399'],
      ['0', '-0.00'],
      ['123456789012345678901234567890', '123456789012345678901234567890.0'],
      ['{"a":1,"a":2}', '{"a":2}'],
      ['"\\u00e9\\/"', '"é/"'],
      ['{"__proto__":1}', '{"__proto__":1.0}'],
    ]
    for (const [one, other] of equal) {
      assert(parse(one).equals(parse(other)) && parse(other).equals(parse(one)), `${one} ${other}`)
    }
    const different: [string, string][] = [
      ['9007199254740992', '9007199254740993'],
      ['1e400', '1e401'],
      [`1e${'9'.repeat(30)}`, `10e${'9'.repeat(29)}8`],
      ['1', '"1"'],
      ['1', '"n1e0"'],
      ['1', 'true'],
      ['1', '-1'],
      ['[1,2]', '[2,1]'],
      ['{"a":1}', '{"a":1,"b":null}'],
      ['0.1', '0.10000000000000001'],
      ['{"__proto__":1}', '{}'],
    ]
    for (const [one, other] of different) {
      assert(!parse(one).equals(parse(other)) && !parse(other).equals(parse(one)), `${one} ${other}`)
    }
    assert(parse('{"a": [1.0]}').equals({ a: [1n] }))
    const long = `1${'0'.repeat(200_000)}1`
    assert(
      parse(long).equals(parse(`${long}.0`)),
      'a number of any length is compared in no time to speak of',
    )
  })

  test('shows what it holds to deepEqual, console.log and JSON.stringify', () => {
    assert.deepEqual(parse('{"a":1}'), parse('{ "a": 1.0 }'))
    assert.notDeepEqual(parse('{"a":1}'), parse('{"a":2}'))
    assert.equal(inspect({ c: parse('{"a":[1]}') }), '{ c: Json { a: [ 1 ] } }')
    assert.equal(JSON.stringify({ c: parse('{ "a": [1.0] }') }), '{"c":{"a":[1]}}')
  })
})

describe('a value that a user builds', () => {
  test('is written as JSON with all the digits of what is in it', () => {
    const value = new sdk.Json({
      a: 2n ** 100n,
      b: parse(ODD),
      c: [parse('1e400')],
      d: undefined,
      $json: ['1'],
    })
    const digits = '1267650600228229401496703205376'
    assert.equal(value.text, `{"a":${digits},"b":${ODD},"c":[1e400],"$json":["1"]}`)
    assert.equal(
      new sdk.Json({ $json: [parse('1.0'), { $json: ['"]}'] }] }).text,
      '{"$json":[1.0,{"$json":["\\"]}"]}]}',
    )
    assert.equal(new sdk.Json('{"$json":["1"]}').text, '"{\\"$json\\":[\\"1\\"]}"')
    assert.equal(new sdk.Json(new Date(0) as unknown as string).text, '"1970-01-01T00:00:00.000Z"')
  })

  /** Each was a null, or nothing at all, on the wire, or a message without a place. */
  test('is refused with its path where JSON has no form for it', () => {
    const cyclic: { list: unknown[] } = { list: [] }
    cyclic.list.push({ back: cyclic })
    const cases: [unknown, string][] = [
      [{ a: { b: [0, NaN] } }, 'value.a.b[1]: a number that is not finite'],
      [{ a: -Infinity }, 'value.a: a number that is not finite'],
      [[1, undefined], 'value[1]: undefined'],
      [new Array<number>(1), 'value[0]: undefined'],
      [undefined, 'value: undefined'],
      [{ f: () => 1 }, 'value.f: a function'],
      [{ s: Symbol('s') }, 'value.s: a symbol'],
      [{ m: new Map([[1, 2]]) }, 'value.m: a Map or a Set'],
      [{ p: Promise.resolve(1) }, 'value.p: a promise that was not awaited'],
      [cyclic, 'value.list[0].back: an object that holds itself'],
    ]
    for (const [given, path] of cases) {
      assert.throws(
        () => new sdk.Json(given as sdk.JsonInput),
        (error) => error instanceof sdk.InvalidRequestError && error.message.startsWith(path),
        path,
      )
    }
    let deep: sdk.JsonInput = 1
    for (let level = 0; level < 100_000; level++) deep = [deep]
    assert.throws(() => new sdk.Json(deep), sdk.InvalidRequestError)
    const shared = { a: 1 }
    assert.equal(new sdk.Json([shared, shared]).text, '[{"a":1},{"a":1}]')
  })
})

describe('opaque JSON of a server', () => {
  let server: Server
  let ht: sdk.Hightouch
  /** The bodies that came, and what is answered next. */
  const got: string[] = []
  let answer = ''

  before(async () => {
    server = createServer((request, response) => {
      let body = ''
      request.on('data', (part: Buffer) => (body += part.toString()))
      request.on('end', () => {
        got.push(body)
        response.setHeader('content-type', 'application/json').end(answer)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    ht = new sdk.Hightouch({
      apiKey: 'k',
      baseUrl: `http://127.0.0.1:${String(port)}/api/v1`,
      limit: [100_000, 1],
    })
  })
  after(async () => {
    await ht.close()
    server.close()
    server.closeAllConnections()
  })
  const last = (): string => got.at(-1) ?? ''

  /** Incident: an integer of 30 digits that was read and given back came out as 1.2345678901234568e29. */
  test('goes back as it came', async () => {
    answer = `{"id":1,"slug":"a","configuration":${ODD},"schedule":{"type":"x","schedule":${ODD}}}`
    const sync = await ht.syncs.get(1)
    assert(sync.configuration instanceof sdk.Json)
    assert.equal(sync.configuration.text, ODD)
    await ht.syncs.update(1, { configuration: sync.configuration, schedule: sync.schedule })
    assert.equal(last(), `{"configuration":${ODD},"schedule":{"type":"x","schedule":${ODD}}}`)
    await ht.syncs.update(1, { configuration: { mine: 10n ** 30n, theirs: sync.configuration } })
    assert.equal(last(), `{"configuration":{"mine":1${'0'.repeat(30)},"theirs":${ODD}}}`)
    const { rule } = { rule: sync.schedule?.schedule }
    assert(rule?.kind === 'unknown')
    assert.equal(rule.raw.text, ODD)
  })

  test('is to the letter in lists, within other types, in raw answers and in those of request', async () => {
    answer = `{"data":[{"id":1,"slug":"a","name":"A","configuration":${ODD}}],"hasMore":false}`
    const [source] = (await ht.sources.list()).data
    assert.equal(source?.configuration?.text, ODD)
    answer = `{"id":"c","slug":"a","name":"A","events":[{"name":"E","type":"track","schema":${ODD}}]}`
    const contract = await ht.eventContracts.get('c')
    const { schema } = contract.events[0] ?? {}
    assert(schema)
    assert.equal(schema.text, ODD)
    await ht.eventContracts.update('c', { events: contract.events })
    assert.equal(last(), `{"events":[{"schema":${ODD},"name":"E","type":"track"}]}`)
    const raw = await ht.eventContracts.withRawResponse.update('c', { events: contract.events })
    assert.equal(last(), `{"events":[{"schema":${ODD},"name":"E","type":"track"}]}`)
    assert.deepEqual((await raw.parse()).id, 'c')
    answer = ODD
    const given = await ht.request<{ same: number }>('POST', '/x', {
      body: [parse('1.0'), 2n ** 64n, schema],
    })
    assert.equal(last(), `[1.0,18446744073709551616,${ODD}]`)
    assert.equal(given.text, ODD)
    assert.equal(given.value.same, 2.5)
    await ht.request('GET', '/x', { query: { $json: ['a', 'b'] } })
  })

  test('of details of an error is to the letter', async () => {
    answer = `{"message":"Validation failed","details":${ODD}}`
    await assert.rejects(ht.sources.update(1, { name: 'a' }), (error) => {
      assert(error instanceof sdk.ValidationError)
      assert.equal(error.details?.text, ODD)
      assert.equal((JSON.parse(JSON.stringify(error)) as { details: { same: number } }).details.same, 2.5)
      return true
    })
  })

  test('that is no object where one must be is refused, as text that is not JSON would be', async () => {
    const before = got.length
    await assert.rejects(
      ht.syncs.update(1, { configuration: [1] }),
      /arguments.configuration: must be a JSON object/,
    )
    const lone = parse('{"x":"\\ud800"}')
    await assert.rejects(ht.syncs.update(1, { configuration: lone }), /arguments.configuration: .*surrogate/)
    const odd = { at: { now: NaN } }
    await assert.rejects(
      ht.syncs.update(1, { configuration: odd }),
      /^InvalidRequestError: arguments\.configuration\.at\.now: /,
    )
    assert.equal(got.length, before)
  })

  /** What is not a mark of ours, whatever it looks like, is what the server or the user wrote. */
  test('may look like the way in which it crosses', async () => {
    answer = '{"id":1,"slug":"a","configuration":{"$json":["1"]},"tags":{"$json":"x"}}'
    const sync = await ht.syncs.get(1)
    assert.equal(sync.configuration?.text, '{"$json":["1"]}')
    assert.deepEqual(sync.tags, { $json: 'x' })
    await ht.syncs.update(1, { configuration: { $json: ['1'] } })
    assert.equal(last(), '{"configuration":{"$json":["1"]}}')
    const variables = [{ name: 'v', config: undefined, variants: [{ value: 'x', tags: { $json: 'y' } }] }]
    answer = '{"id":"m","name":"M"}'
    await ht.decisionEngine.updateMessage('f', 'm', { variables })
    assert.equal(last(), '{"variables":[{"name":"v","variants":[{"value":"x","tags":{"$json":"y"}}]}]}')
  })

  test('of any shape and spelling comes and goes to the letter', async () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,40})(\.\d{1,30})?([eE][-+]?\d{1,4})?$/)
    const text = fc.string({ unit: 'binary' }).map((given) => JSON.stringify(given))
    const gap = fc.constantFrom('', ' ', '\n\t')
    const any = fc.letrec<{ any: string }>((tie) => ({
      any: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        digits,
        text,
        fc.constantFrom('null', 'true', '{}', '[]', '{"$json":["1"]}'),
        fc
          .tuple(fc.array(tie('any'), { maxLength: 4 }), gap)
          .map(([items, space]) => `[${items.join(`${space},`)}]`),
        fc
          .tuple(fc.array(fc.tuple(text, tie('any')), { maxLength: 4 }), gap)
          .map(
            ([members, space]) => `{${members.map(([name, value]) => `${space}${name}:${value}`).join(',')}}`,
          ),
      ),
    })).any
    const property = fc.asyncProperty(any, async (value) => {
      const configuration = `{"in":${value}}`
      answer = `{"id":1,"slug":"a","configuration":${configuration}}`
      const sync = await ht.syncs.get(1)
      assert.equal(sync.configuration?.text, configuration)
      await ht.syncs.update(1, { configuration: sync.configuration })
      assert.equal(last(), `{"configuration":${configuration}}`)
      const built = { in: parse(value) }
      await ht.syncs.update(1, { configuration: built })
      assert.equal(last(), `{"configuration":${configuration}}`)
      assert(sync.configuration.equals(built))
    })
    await fc.assert(property, { numRuns: 60 })
  })
})
