/** JSON that this package has no type for, kept as the text that came. */

import { inspect, isDeepStrictEqual, types, type InspectOptions } from 'node:util'

import { edited, endOfString, exact, spelled, type Path } from './jsontext.js'

/** Any JSON as JavaScript has it: an integer beyond 2^53 has lost its last digits, a number beyond 1e308 is infinite. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue }

/**
 * What may be given where JSON of any shape is sent. Members that are `undefined` are left out, as everywhere; other
 * things that JSON has no form for (in a list `undefined` too) are refused. A `bigint` keeps all its digits, and so does
 * a {@link Json}, which may stand anywhere within.
 */
export type JsonInput =
  // Whatever its value is taken for: the text is what goes out.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  | Json<any>
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly JsonInput[]
  | { readonly [name: string]: JsonInput | undefined }

/** {@link JsonValue}, read-only to its depth. */
export type FrozenJson =
  string | number | boolean | null | readonly FrozenJson[] | { readonly [name: string]: FrozenJson }

/** `T` with every member read-only, however deep. */
export type Frozen<T> = unknown extends T
  ? T
  : [JsonValue] extends [T]
    ? FrozenJson
    : T extends object
      ? { readonly [Name in keyof T]: Frozen<T[Name]> }
      : T

/** The member that only a {@link Json} has, and whatever was copied from one member by member. */
const MARKER = '[Json]'
/** Its value: no clone can be made of a symbol, and JSON has no form for one. */
const COPY_ITS_VALUE = Symbol('a Json is no plain object: copy its value, or change it with its with()')

const NO_COPY =
  'a copy of a Json is no value. Write { ...json.value, name: value } to copy its value, ' +
  'or json.with(name, value) to change one value and keep the digits of all others.'
const NO_CHANGE =
  'a Json to which members were assigned is no value. Write json.with(name, value), which returns a changed one.'

/**
 * JSON of any shape, such as a sync's `configuration`: the text that came, parsed when it is first looked at.
 *
 * Passed on as it is, it goes out as it came, to the last digit. `assert.deepEqual` compares two by what `value` is,
 * {@link Json.equals} exactly, and `JSON.stringify` writes `value`. It is no plain object: what was spread, merged or
 * assigned from it is refused where it would be sent, and `structuredClone` throws. Clone `text` or `value` instead.
 *
 * ```ts
 * const { configuration } = await ht.syncs.get(7)
 * if (configuration) {
 *   console.log(configuration.value)                                      // { mode: 'upsert', … }
 *   await ht.syncs.update(8, { configuration })                           // exactly the same
 *   await ht.syncs.update(8, { configuration: configuration.with('mode', 'insert') })
 * }
 * ```
 *
 * @typeParam T What the value is taken for; nothing checks it.
 */
export class Json<T = JsonValue> {
  /**
   * The value, frozen: what one changed in it would not be sent. Numbers are JavaScript's; `text` has all their digits.
   */
  declare readonly value: Frozen<T>
  /** @internal */
  declare readonly [MARKER]: typeof COPY_ITS_VALUE
  readonly #text: string

  /**
   * Wraps a value.
   *
   * @param value What JSON has a form for.
   * @throws `TypeError` with the path of what it has none for.
   */
  constructor(value: JsonInput)
  /** @internal */
  constructor(value: undefined, text: string)
  constructor(value?: JsonInput, text?: string) {
    this.#text = text ?? textOf(value, 'value')
    let read: { value: T } | undefined
    // The instance's own, so that deepEqual and console.log see what it holds, and copies are known by their marker.
    Object.defineProperties(this, {
      value: {
        enumerable: true,
        get: () => (read ??= { value: frozen(JSON.parse(this.#text) as T) }).value,
        set: () => {
          throw new TypeError(`value: ${NO_CHANGE}`)
        },
      },
      [MARKER]: { enumerable: true, value: COPY_ITS_VALUE },
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

  /**
   * The text of a Json; `undefined` for anything else.
   *
   * @internal
   * @throws TypeError for a copy of one, and for one to which members were assigned; its message begins with `at`.
   */
  static textIn(value: object, at: string): string | undefined {
    if (#text in value) {
      // `value` and the marker.
      if (Object.keys(value).length > 2) throw new TypeError(`${at}: ${NO_CHANGE}`)
      return value.#text
    }
    if (Object.hasOwn(value, MARKER) || value instanceof Json) throw new TypeError(`${at}: ${NO_COPY}`)
    return undefined
  }

  /** The JSON text, as it came. */
  get text(): string {
    return this.#text
  }

  /**
   * Returns the same JSON with one value changed: all other digits, members and their order stay as they are.
   *
   * ```ts
   * configuration.with('mode', 'insert')
   * configuration.with(['mappings', 0, 'to'], 'Email')
   * ```
   *
   * @param path The name of a member, or names and positions from the outermost to the innermost. Only the last one may
   * be new: a member that is added, or the position after a list's last item. A dot in a name is a part of it.
   * @param value What takes the place of what is there.
   * @throws `TypeError` when the path leads nowhere, or JSON has no form for the value.
   */
  with(path: string | Path, value: JsonInput): Json<T> {
    const names = typeof path === 'string' ? [path] : path
    return new Json<T>(undefined, edited(this.#text, names, textOf(value, spelled(names))))
  }

  /**
   * Whether both are the same value: numbers where they are the same number (`1` and `1.0`), to the last digit; members
   * in any order, and of several with one name the last.
   *
   * @param other Another one, or a value.
   * @throws `TypeError` with the path of what JSON has no form for.
   */
  equals(other: JsonInput): boolean {
    const text = textOf(other, 'value')
    return this.#text === text || isDeepStrictEqual(exact(this.#text), exact(text))
  }

  /** The value, for `JSON.stringify`. */
  toJSON(): Frozen<T> {
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

function frozen<T>(value: T): T {
  if (!isObject(value)) return value
  for (const name in value) {
    // Most are no objects, and a call costs more than the look.
    if (typeof value[name] === 'object') frozen(value[name])
  }
  return Object.freeze(value)
}

/** The core's mark of JSON that crosses as text: `{"$json": ["…"]}`. */
const MARK = '$json'
/** How the mark begins and ends where it is written; inside a string its quotes would be escaped. */
const BEGIN = `{"${MARK}":[`
const END = ']}'

function marked(text: string): object {
  return { [MARK]: [text] }
}

/** Parses an answer of the core; what crossed as text becomes a {@link Json}. */
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

/** JSON text of a value of any shape. */
function textOf(value: unknown, what: string): string {
  const text = isObject(value) ? Json.textIn(value, what) : undefined
  return text ?? unmarked(stringify(value, what, true))
}

/** With what the marks hold in their place. */
function unmarked(text: string): string {
  const parts: string[] = []
  let from = 0
  for (let at = text.indexOf(BEGIN); at !== -1; at = text.indexOf(BEGIN, from)) {
    const start = at + BEGIN.length
    const end = endOfString(text, start)
    parts.push(text.slice(from, at), String(JSON.parse(text.slice(start, end))))
    from = end + END.length
  }
  return parts.join('') + text.slice(from)
}

/**
 * Writes JSON. With `exactly`, what has digits that JavaScript's numbers do not hold stands marked in it.
 *
 * @throws TypeError with the path of what JSON would drop or change in silence; `what` is the path's first name.
 */
export function stringify(value: unknown, what: string, exactly: boolean): string {
  try {
    return JSON.stringify(value, function (this: Record<string, unknown>, name, member: unknown): unknown {
      // What it was before its `toJSON`.
      const own = this[name]
      if (isObject(own)) {
        const text = Json.textIn(own, name)
        if (exactly && text !== undefined) return marked(text)
      }
      if (exactly && typeof own === 'bigint') return marked(String(own))
      if (oddity(member, Array.isArray(this) || name === '') !== undefined) throw new TypeError('odd')
      return exactly && isObject(member) && Object.hasOwn(member, MARK) ? marked(objectText(member)) : member
    })
  } catch (cause) {
    throw new TypeError(where(value, what, exactly) ?? `${what}: this is not JSON.`, { cause })
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

/** Says why JSON has no form for a value. Never the value itself: it may be a key. */
function oddity(value: unknown, needed: boolean): string | undefined {
  const odd = oddType(value, needed)
  return odd === undefined ? undefined : `${odd} has no form in JSON.`
}

function oddType(value: unknown, needed: boolean): string | undefined {
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
  if (isObject(value) && Json.textIn(value, at) !== undefined) return undefined
  if (exactly && typeof value === 'bigint') return undefined
  const odd = oddity(value, needed)
  if (odd !== undefined) return `${at}: ${odd}`
  if (!isObject(value) || typeof value.toJSON === 'function') return undefined
  if (above.includes(value)) return `${at}: an object that holds itself has no form in JSON.`
  if (above.length > DEEP) return `${at.slice(0, 80)}…: nested too deep.`
  const list = Array.isArray(value)
  // By its length: a hole in a list is none of its entries.
  const members = list ? [...(value as unknown[]).entries()] : Object.entries(value)
  for (const [name, member] of members) {
    const found = where(member, at + spelled([name], ''), exactly, list, [...above, value])
    if (found !== undefined) return found
  }
  return undefined
}
