import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'

import fc from 'fast-check'
import * as sdk from 'hightouch-sdk'

/** JSON that JavaScript cannot parse and encode again without a loss. */
const ODD =
  '{ "big":123456789012345678901234567890, "huge":1e400,"same":1,"same":2.50,"b":{"$json":["x"]},"a":"\\u00e9" }'

const parse = <T = sdk.JsonValue>(text: string): sdk.Json<T> => sdk.Json.parse<T>(text)

describe('a Json', () => {
  test('keeps its text, and parses it when the value is read', () => {
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

  /** A change to the value would be lost without an error, because the text is sent. */
  test('cannot be changed in place', () => {
    const json = parse<{ a: { b: number[] } }>('{"a": {"b": [1]}}')
    const value = json.value as { a: { b: number[] } }
    assert.throws(() => {
      value.a = { b: [] }
    }, TypeError)
    assert.throws(() => value.a.b.push(2), TypeError)
    assert.throws(() => Reflect.set(json, 'value', {}), /members of a Json cannot be assigned/)
    // No member can be deleted, not even the guard, by which the package recognises a copy of a `Json`.
    for (const name of Object.keys(json)) assert.equal(Reflect.deleteProperty(json, name), false, name)

    const copy = structuredClone(value)
    copy.a.b.push(2)
    assert.deepEqual(copy, { a: { b: [1, 2] } })
  })

  /** The getters must accept a Proxy as `this`, because some frameworks wrap every answer in a Proxy. */
  test('gives its value and its text through a Proxy', () => {
    // Wraps an object. Objects that are read from the wrapper are wrapped too, as reactive frameworks do it.
    const wrap = <V extends object>(target: V): V =>
      new Proxy(target, {
        get: (from, name, receiver): unknown => {
          const member: unknown = Reflect.get(from, name, receiver)
          return typeof member === 'object' && member !== null ? wrap(member) : member
        },
      })
    for (const wrapped of [new Proxy(parse('{"a":1}'), {}), wrap({ json: parse('{"a":1}') }).json]) {
      assert.equal(wrapped.text, '{"a":1}')
      assert.equal((wrapped.value as { a: number }).a, 1)
    }
  })

  test('equals another with the same text or the same value', () => {
    const equal: [string, string][] = [
      ['{"a":1,"b":[2]}', '{ "b" : [2.0], "a" : 10e-1 }'],
      ['1e400', '10E+399'],
      ['123456789012345678901234567890', '123456789012345678901234567890.0'],
      ['{"a":1,"a":2}', '{"a":2}'],
      ['"\\u00e9\\/"', '"é/"'],
      ['{"__proto__":1}', '{"__proto__":1.0}'],
    ]
    for (const [one, other] of equal) {
      assert(parse(one).equals(parse(other)) && parse(other).equals(parse(one)), `${one} ${other}`)
    }
    const different: [string, string][] = [
      ['1', '"1"'],
      ['1', 'true'],
      ['1', '-1'],
      ['[1,2]', '[2,1]'],
      ['{"a":1}', '{"a":1,"b":null}'],
      ['0.1', '0.11'],
      ['{"__proto__":1}', '{}'],
    ]
    for (const [one, other] of different) {
      assert(!parse(one).equals(parse(other)) && !parse(other).equals(parse(one)), `${one} ${other}`)
    }
    assert(parse('{"a": [1.0]}').equals({ a: [1n] }))
  })

  test('shows its value to deepEqual, console.log and JSON.stringify', () => {
    assert.deepEqual(parse('{"a":1}'), parse('{ "a": 1.0 }'))
    assert.notDeepEqual(parse('{"a":1}'), parse('{"a":2}'))
    assert.equal(inspect({ c: parse('{"a":[1]}') }), '{ c: Json { a: [ 1 ] } }')
    assert.equal(JSON.stringify({ c: parse('{ "a": [1.0] }') }), '{"c":{"a":[1]}}')
  })
})

describe('Json.with', () => {
  test('keeps all other digits, members and their order', () => {
    const text = `{ "a" : [1.0, {"b":"x]}"}] , "big":${'7'.repeat(30)}, "e": {}, "l": [] }`
    const cases: [string | sdk.Path, sdk.JsonInput, string][] = [
      ['big', 'x', text.replace('7'.repeat(30), '"x"')],
      [['a', 0], 2n ** 70n, text.replace('1.0', String(2n ** 70n))],
      [['a', 1, 'b'], null, text.replace('"x]}"', 'null')],
      [['a', 1, 'c'], [1], text.replace('"x]}"', '"x]}","c":[1]')],
      [['a', 2], { y: 1 }, text.replace('"x]}"}', '"x]}"}, {"y":1}')],
      [['e', 'new "name"'], 1, text.replace('{}', '{"new \\"name\\"":1}')],
      [['l', 0], parse('1e400'), text.replace('[]', '[1e400]')],
      ['__proto__', 1, text.replace('[] }', '[], "__proto__" : 1 }')],
      ['a.b', 1, text.replace('[] }', '[], "a.b" : 1 }')],
      [[], 5, '5'],
    ]
    const json = parse(text)
    for (const [path, value, expected] of cases) assert.equal(json.with(path, value).text, expected)
    assert.equal(json.text, text)
    // If a name occurs more than once, the change is made in the last member, even if its name has escapes.
    assert.equal(parse('{"a":1,"\\u0061":2}').with('a', 3).text, '{"a":1,"\\u0061":3}')
    assert.equal(parse('"x"').with([], {}).text, '{}')
  })

  test('throws with the path if no value is there', () => {
    const json = parse('{"a":[{"b":1}],"s":"text"}')
    const cases: [string | sdk.Path, string][] = [
      [['x', 'y'], 'x: '],
      [['a', 2], 'a[2]: '],
      [['a', -1], 'value.a[-1]: '],
      [['a', 0.5], 'value.a[0.5]: '],
      [['a', 'b'], 'a.b: '],
      [['a', 0, 0], 'a[0][0]: '],
      [['s', 't'], 's: '],
      [['a', 0, 'b', 'c'], 'a[0].b: '],
    ]
    for (const [path, start] of cases) {
      assert.throws(
        () => json.with(path, 1),
        (error) => error instanceof TypeError && error.message.startsWith(start),
      )
    }
    assert.throws(
      () => json.with(['a', 0], { c: NaN }),
      /^TypeError: value\.a\[0\]\.c: a number that is not finite/,
    )
  })

  test('has the same effect as a change to the value', () => {
    const property = fc.property(fc.jsonValue(), fc.jsonValue(), fc.nat(), (value, put, seed) => {
      const path: (string | number)[] = []
      let at: unknown = value
      for (let step = seed; typeof at === 'object' && at !== null && Object.keys(at).length > 0; step >>= 2) {
        const names = Object.keys(at)
        const name = names[step % names.length] ?? ''
        path.push(Array.isArray(at) ? Number(name) : name)
        at = (at as Record<string, unknown>)[name]
        if (step % 3 === 0) break
      }
      const expected = structuredClone(value) as unknown
      const last = path.at(-1)
      if (last === undefined || path.includes('__proto__')) return
      const holder = path.slice(0, -1).reduce((held, name) => (held as never)[name], expected)
      ;(holder as Record<string | number, unknown>)[last] = put
      const changed = parse(JSON.stringify(value, null, seed % 3)).with(path, put as sdk.JsonInput)
      assert(changed.equals(expected as sdk.JsonInput), changed.text)
    })
    fc.assert(property)
  })
})

describe('a value of the user', () => {
  test('is encoded with all the digits of each Json and bigint in it', () => {
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

  /** Incident: some of these values were sent as null or left out, and for other values the message had no path. */
  test('is refused with its path if JSON cannot express it', () => {
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
      [cyclic, 'value.list[0].back: an object that contains itself'],
    ]
    for (const [given, path] of cases) {
      assert.throws(
        () => new sdk.Json(given as sdk.JsonInput),
        (error) => error instanceof TypeError && error.message.startsWith(path),
        path,
      )
    }
    let deep: sdk.JsonInput = 1
    for (let level = 0; level < 100_000; level++) deep = [deep]
    assert.throws(() => new sdk.Json(deep), TypeError)
    const shared = { a: 1 }
    assert.equal(new sdk.Json([shared, shared]).text, '[{"a":1},{"a":1}]')
  })
})

describe('opaque JSON of the server', () => {
  let server: Server
  let ht: sdk.Hightouch
  /** The bodies that the server received, and its next answer. */
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

  /** Incident: an integer of 30 digits that was read and sent back became 1.2345678901234568e29. */
  test('is sent back as it came', async () => {
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

  test('is exact in lists, within other types, in raw responses and in answers of request', async () => {
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

  test('is exact in the details of an error', async () => {
    answer = `{"message":"Validation failed","details":${ODD}}`
    await assert.rejects(ht.sources.update(1, { name: 'a' }), (error) => {
      assert(error instanceof sdk.ValidationError)
      assert.equal(error.details?.text, ODD)
      assert.equal((JSON.parse(JSON.stringify(error)) as { details: { same: number } }).details.same, 2.5)
      return true
    })
  })

  /** A server in JavaScript may cut a text within an emoji. The text then ends with half of a surrogate pair. */
  test('keeps half an emoji', async () => {
    answer = '{"id":1,"slug":"a","configuration":{"x":"\\ud800"}}'
    const sync = await ht.syncs.get(1)
    await ht.syncs.update(1, { configuration: sync.configuration })
    assert.equal(last(), '{"configuration":{"x":"\\ud800"}}')
  })

  test('is refused if it is not an object but must be one, or if it is not valid', async () => {
    const before = got.length
    await assert.rejects(ht.syncs.update(1, { configuration: [1] }), /`configuration` must be a JSON object/)
    const odd = { at: { now: NaN } }
    await assert.rejects(
      ht.syncs.update(1, { configuration: odd }),
      /^InvalidRequestError: syncs\.update: the argument `configuration\.at\.now` cannot be sent: a number that is not finite cannot be encoded as JSON\. Nothing was sent\.$/,
    )
    assert.equal(got.length, before)
  })

  /**
   * This package and the core exchange opaque JSON as marks, such as `{"$json": ["1"]}`. A value of the server or of
   * the user that only looks like a mark must stay unchanged.
   */
  test('may look like the marks in which it crosses the door', async () => {
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

  test('of any shape and spelling is received and sent exactly', async () => {
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
