/** JSON that this package has no type for, kept as the text that came. */

import { inspect, isDeepStrictEqual, types, type InspectOptions } from 'node:util'

import { errorFrom } from './errors.js'

/** Any JSON as JavaScript has it: an integer beyond 2^53 has lost its last digits, a number beyond 1e308 is infinite. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue }

/**
 * What may be given where JSON of any shape is sent. Members that are `undefined` are left out, as everywhere; other
 * things that JSON has no form for (in a list `undefined` too) are refused. A `bigint` keeps all its digits, and so does
 * a {@link Json}, which may stand anywhere within.
 */
export type JsonInput =
  | Json<unknown>
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly JsonInput[]
  | { readonly [name: string]: JsonInput | undefined }

/**
 * JSON of any shape, such as a sync's `configuration`: the text that came, read when it is first looked at.
 *
 * Given back as it is, it goes out as it came, to the last digit. `assert.deepEqual` compares two by what `value` is,
 * {@link Json.equals} exactly, and `JSON.stringify` writes `value`.
 *
 * ```ts
 * const { configuration } = await ht.syncs.get(7)
 * configuration?.value                                    // { mode: 'upsert', … }
 * await ht.syncs.update(8, { configuration })             // exactly the same
 * await ht.syncs.update(8, { configuration: { ...(configuration?.value as object), mode: 'insert' } })
 * ```
 *
 * @typeParam T What the value is taken for; nothing checks it.
 */
export class Json<T = JsonValue> {
  /**
   * The value, frozen: what one changed in it would not be sent. Copy it to change it. Numbers are JavaScript's; `text`
   * has all their digits.
   */
  declare readonly value: T
  readonly #text: string

  /**
   * Wraps a value.
   *
   * @param value What JSON has a form for.
   * @throws {@link InvalidRequestError} with the path of what it has none for.
   */
  constructor(value: JsonInput)
  /** @internal */
  constructor(value: undefined, text: string)
  constructor(value?: JsonInput, text?: string) {
    this.#text = text ?? textOf(value, 'value')
    let read: { value: T } | undefined
    // The instance's own, so that deepEqual and console.log see what it holds and nothing else.
    Object.defineProperty(this, 'value', {
      enumerable: true,
      get: () => (read ??= { value: frozen(JSON.parse(this.#text) as T) }).value,
    })
  }

  /**
   * Takes JSON text as it is.
   *
   * @param text One JSON value.
   * @throws `SyntaxError` where it is none.
   */
  static parse<T = JsonValue>(text: string): Json<T> {
    JSON.parse(text)
    return new Json<T>(undefined, text.trim())
  }

  /** The JSON text, as it came. */
  get text(): string {
    return this.#text
  }

  /**
   * Whether both are the same value: numbers where they are the same number (`1` and `1.0`), to the last digit; members
   * in any order, and of several with one name the last.
   *
   * @param other Another one, or a value.
   */
  equals(other: JsonInput): boolean {
    const text = other instanceof Json ? other.text : textOf(other, 'value')
    return this.#text === text || isDeepStrictEqual(exact(this.#text), exact(text))
  }

  /** The value, for `JSON.stringify`. */
  toJSON(): T {
    return this.value
  }

  /** The JSON text. */
  toString(): string {
    return this.#text
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `Json ${inspect(this.value, options)}`
  }
}

/** The door's mark of JSON that crosses as text: `{"$json": ["…"]}`. */
const MARK = '$json'
/** How the mark begins and ends where it is written; inside a string its quotes would be escaped. */
const BEGIN = `{"${MARK}":[`
const END = ']}'

function marked(text: string): object {
  return { [MARK]: [text] }
}

/** Strings and numbers in JSON text. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[-+.\deE]*/g

/** A tree in which numbers are text of one spelling, told from strings by their first letter. */
function exact(text: string): unknown {
  return JSON.parse(
    text.replace(TOKEN, (token) => (token.startsWith('"') ? `"s${token.slice(1)}` : `"n${numeral(token)}"`)),
  )
}

/** Sign, significant digits and power of ten. */
function numeral(token: string): string {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const digits = (whole + fraction).replace(/^0+/, '')
  // By hand: a search for zeros at the end begins anew at each zero, and a number may have a million.
  let end = digits.length
  while (digits[end - 1] === '0') end -= 1
  const significant = digits.slice(0, end)
  if (significant === '') return '0'
  // Beyond that it is equal to its own spelling alone, as in the other languages.
  if (exponent.replace(/^[-+]?0*/, '').length > 18) return token
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length)
  return `${token.startsWith('-') ? '-' : ''}${significant}e${String(power)}`
}

function frozen<T>(value: T): T {
  if (!isObject(value)) return value
  for (const name in value) {
    // Most are no objects, and a call costs more than the look.
    if (typeof value[name] === 'object') frozen(value[name])
  }
  return Object.freeze(value)
}

/** An answer of the door as its user gets it: what crossed as text is a {@link Json}. */
export function opened(json: string): unknown {
  const value: unknown = JSON.parse(json)
  return isObject(value) && json.includes(`"${MARK}"`) ? open(value) : value
}

function open(value: Record<string, unknown>): unknown {
  const mark = value[MARK]
  // No value of a known shape looks like this.
  if (Array.isArray(mark)) return new Json(undefined, mark[0] as string)
  for (const name in value) {
    const member = value[name]
    if (isObject(member)) value[name] = open(member)
  }
  return value
}

/** What is encoded, and what an error in it is called. */
const FAILURES = { settings: 'config', arguments: 'invalid_request', options: 'invalid_request' } as const

/** JSON of what was given; what JSON would drop or change in silence is refused. */
export function encode(value: object, what: keyof typeof FAILURES): string {
  return stringify(value, what, FAILURES[what], what === 'arguments')
}

/** JSON text of a value of any shape. */
function textOf(value: unknown, what: string): string {
  return unmarked(stringify(value, what, 'invalid_request', true))
}

/** With what the marks hold in their place. By hand: an expression for strings overflows the stack on long ones. */
function unmarked(text: string): string {
  const parts: string[] = []
  let from = 0
  for (let at = text.indexOf(BEGIN); at !== -1; at = text.indexOf(BEGIN, from)) {
    const start = at + BEGIN.length
    let end = start + 1
    while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1
    parts.push(text.slice(from, at), String(JSON.parse(text.slice(start, end + 1))))
    from = end + 1 + END.length
  }
  return parts.join('') + text.slice(from)
}

/** With `exactly`, what has digits that JavaScript's numbers do not hold stands marked in it. */
function stringify(
  value: unknown,
  what: string,
  kind: 'config' | 'invalid_request',
  exactly: boolean,
): string {
  try {
    return JSON.stringify(value, function (this: Record<string, unknown>, name, member: unknown): unknown {
      // What it was before its `toJSON`.
      const own = this[name]
      if (exactly && own instanceof Json) return marked(own.text)
      if (exactly && typeof own === 'bigint') return marked(String(own))
      if (oddity(member, Array.isArray(this) || name === '') !== undefined) throw new TypeError('odd')
      return exactly && isObject(member) && Object.hasOwn(member, MARK) ? marked(objectText(member)) : member
    })
  } catch (cause) {
    const message = `${where(value, what, exactly) ?? `the ${what} are not JSON`}; nothing was sent`
    throw errorFrom({ kind, message }, cause)
  }
}

/** Of an object with a member that is named like the mark. */
function objectText(value: Record<string, unknown>): string {
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${textOf(member, name)}`).join(',')}}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** What makes a value none that JSON has a form for. Never the value itself: it may be a key. */
function oddity(value: unknown, needed: boolean): string | undefined {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? undefined : 'a number that is not finite'
    case 'undefined':
      return needed ? 'undefined' : undefined
    case 'bigint':
    case 'function':
    case 'symbol':
      return `a ${typeof value}`
    case 'object':
      if (types.isPromise(value)) return 'a promise that was not awaited'
      return types.isMap(value) || types.isSet(value) ? 'a Map or a Set' : undefined
    default:
      return undefined
  }
}

/** Deeper than anything that can be sent. */
const DEEP = 1000

/** The path of the first odd thing, and what it is. */
function where(
  value: unknown,
  at: string,
  exactly: boolean,
  needed = true,
  above: object[] = [],
): string | undefined {
  if (exactly && (value instanceof Json || typeof value === 'bigint')) return undefined
  const odd = oddity(value, needed)
  if (odd !== undefined) return `${at}: ${odd} has no form in JSON`
  if (!isObject(value) || typeof value.toJSON === 'function') return undefined
  if (above.includes(value)) return `${at}: an object that holds itself has no form in JSON`
  if (above.length > DEEP) return `${at.slice(0, 80)}…: nested too deep`
  const list = Array.isArray(value)
  // By its length: a hole in a list is none of its entries.
  const members = list ? [...(value as unknown[]).entries()] : Object.entries(value)
  for (const [name, member] of members) {
    const found = where(member, `${at}${list ? `[${String(name)}]` : `.${String(name)}`}`, exactly, list, [
      ...above,
      value,
    ])
    if (found !== undefined) return found
  }
  return undefined
}
