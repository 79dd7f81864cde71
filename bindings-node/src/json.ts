/** Opaque JSON, kept as the text that the server sent. */

import { inspect, isDeepStrictEqual, types, type InspectOptions } from 'node:util'

import { endOfString, formatPath, replaceAt, type Path } from './jsontext.js'

/**
 * A JSON value as `JSON.parse` returns it. Integers beyond 2^53 lose digits, and numbers beyond 1.8e308 are
 * infinite.
 */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue }

/**
 * A value that can be sent where the API takes any JSON. A {@link Json} at any depth and a `bigint` are sent with all
 * their digits. A member that is `undefined` is left out. Anything else that JSON cannot express is an error, and so is
 * `undefined` in an array.
 */
export type JsonInput =
  // Any Json is accepted, because its text is sent and the type of its value does not matter.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  | Json<any>
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly JsonInput[]
  | { readonly [name: string]: JsonInput | undefined }

/** A {@link JsonValue} that is read-only at every depth. */
export type FrozenJson =
  string | number | boolean | null | readonly FrozenJson[] | { readonly [name: string]: FrozenJson }

/** `T` with every member read-only at every depth. */
export type Frozen<T> = unknown extends T
  ? T
  : [JsonValue] extends [T]
    ? FrozenJson
    : T extends object
      ? { readonly [Name in keyof T]: Frozen<T[Name]> }
      : T

/**
 * The name of the guard, a member of each {@link Json}. An object that has the guard but is not a Json was
 * copied from one member by member, and is refused.
 */
const COPY_GUARD = '[Json]'
/** The value of the guard. `structuredClone` throws for a symbol, and the error contains its description. */
const COPY_ITS_VALUE = Symbol(
  'a Json cannot be copied: copy its `value`, or call its method `with` to get a changed one',
)
/**
 * The name of a member with the state of a {@link Json}. A framework may wrap an answer in a Proxy, which
 * has no private members. If `this` is a Proxy, the getters read the state from this member instead.
 */
const STATE = Symbol('state')

/** What a {@link Json} holds. */
interface State {
  /** The JSON text. Until the text is first read, it can be the part of an answer that contains the text. */
  text: string | TextPart
  /** The parsed text; undefined until the value is first read. */
  parsed?: unknown
}

const COPIED =
  'this is a copy of a Json. Write { ...json.value, name: value } to copy its value, ' +
  'or json.with(name, value) to change one value and keep the digits of all others.'
const ASSIGNED_TO =
  'members of a Json cannot be assigned. Write json.with(name, value), which returns a changed Json.'

/**
 * Opaque JSON, such as a sync's `configuration`. It holds the text that the server sent and parses it when you first
 * read `value`.
 *
 * A `Json` that you pass on is sent exactly as it came, with every digit. `JSON.stringify` writes its `value`, and
 * `assert.deepEqual` compares two by their `value`. A `Json` is not a plain object. Sending a copy that was made by
 * spreading or merging is an error, and so is sending a `Json` to which a member was assigned.
 * `structuredClone` throws; clone the `text` or the `value` instead.
 *
 * Until its `text` or `value` is first read, a `Json` may keep all opaque JSON of its answer in memory.
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
 * @typeParam T The type of `value`; it is not checked.
 */
export class Json<T = JsonValue> {
  /** The parsed value, frozen at every depth. Large numbers lose digits here; `text` has all of them. */
  declare readonly value: Frozen<T>
  /** @internal */
  declare readonly [COPY_GUARD]: typeof COPY_ITS_VALUE
  /** @internal */
  declare readonly [STATE]: State
  readonly #state: State

  // All objects share one getter. V8 creates a hidden class for each object that has a getter of its own, and this
  // takes several times as long as the rest of decoding an answer.
  static readonly #value: PropertyDescriptor & ThisType<Json<unknown>> = {
    enumerable: true,
    get() {
      const state = Json.#stateOf(this)
      return (state.parsed ??= deepFreeze(JSON.parse(textOf(state)) as JsonValue))
    },
    set() {
      throw new TypeError(`value: ${ASSIGNED_TO}`)
    },
  }

  static readonly #guard = { enumerable: true, value: COPY_ITS_VALUE }

  static #stateOf(json: Pick<Json, typeof STATE>): State {
    return #state in json ? json.#state : json[STATE]
  }

  /**
   * Encodes a value as JSON.
   *
   * @param value Any value that JSON can express.
   * @throws `TypeError` with the path of the member that JSON cannot express.
   */
  constructor(value: JsonInput)
  /** @internal */
  constructor(value: undefined, text: string | TextPart)
  constructor(value?: JsonInput, text?: string | TextPart) {
    this.#state = { text: text ?? encodeText(value) }
    // Both are own properties, so that deepEqual sees the value, and a copy has the guard. Neither can be deleted.
    Object.defineProperty(this, 'value', Json.#value)
    Object.defineProperty(this, COPY_GUARD, Json.#guard)
    // The state is writable, because a Proxy may not return a wrapped object for a property that cannot change.
    Object.defineProperty(this, STATE, { value: this.#state, writable: true })
  }

  /**
   * Creates a `Json` from JSON text. The text is kept as it is, but without white space around it.
   *
   * @param text One JSON value.
   * @throws `SyntaxError` if the text is not JSON.
   */
  static parse<T = JsonValue>(text: string): Json<T> {
    JSON.parse(text)
    return new Json<T>(undefined, text.trim())
  }

  /**
   * Returns the text if `value` is a Json, else `undefined`.
   *
   * @internal
   * @throws TypeError if `value` is a copy of a Json, or a Json to which members were assigned.
   */
  static textIn(value: object): string | undefined {
    if (#state in value) {
      // A Json has two enumerable members, `value` and the guard. Others were assigned.
      if (Object.keys(value).length > 2) throw new TypeError(ASSIGNED_TO)
      return (value as Json<unknown>).text
    }
    if (Object.hasOwn(value, COPY_GUARD) || value instanceof Json) throw new TypeError(COPIED)
    return undefined
  }

  /** The JSON text. Opaque JSON of an answer has exactly the text that the server sent. */
  get text(): string {
    return textOf(Json.#stateOf(this))
  }

  /**
   * Returns a copy with one value replaced or added. Everything else keeps its digits and its order.
   *
   * ```ts
   * import { Json } from 'hightouch-sdk'
   *
   * const configuration = new Json({ mode: 'upsert', mappings: [{ from: 'email', to: 'Email__c' }] })
   * const inserting = configuration.with('mode', 'insert')
   * const renamed = configuration.with(['mappings', 0, 'to'], 'Email')
   * ```
   *
   * @param path The name of a member, or the names and array indices that lead to a value. If the last name or index is
   * new, a member is added, or an item at the end of an array. A dot in a name has no special meaning.
   * @param value The new value.
   * @throws `TypeError` if no value is at the path and none can be added there, or if JSON cannot express the new
   * value.
   */
  with(path: string | Path, value: JsonInput): Json<T> {
    const names = typeof path === 'string' ? [path] : path
    return new Json<T>(undefined, replaceAt(this.text, names, encodeText(value, names)))
  }

  /**
   * Returns whether the texts or the parsed values are equal. So `1` equals `1.0`, the order of members does not
   * matter, and two numbers are equal if JavaScript rounds them to the same number.
   *
   * @param other A `Json` or a plain value.
   * @throws `TypeError` with the path of a member of `other` that JSON cannot express.
   */
  equals(other: JsonInput): boolean {
    const text = encodeText(other)
    return this.text === text || isDeepStrictEqual(this.value, JSON.parse(text))
  }

  /** Returns the value, for `JSON.stringify`. */
  toJSON(): Frozen<T> {
    return this.value
  }

  /** Returns the JSON text. */
  toString(): string {
    return this.text
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `Json ${inspect(this.value, options)}`
  }
}

function deepFreeze<T>(value: T): T {
  if (!isObject(value)) return value
  for (const name in value) {
    // Most members are primitives, and this check is cheaper than a call.
    if (typeof value[name] === 'object') deepFreeze(value[name])
  }
  return Object.freeze(value)
}

/** The bytes from `start` up to `end` of the texts that came with an answer. */
export interface TextPart {
  texts: Buffer
  start: number
  end: number
}

function textOf(state: State): string {
  if (typeof state.text === 'string') return state.text
  const { texts, start, end } = state.text
  return (state.text = texts.toString('utf8', start, end))
}

/**
 * Opaque JSON crosses the door as a mark: an object with one member, which has this name. `{"$json": ["…"]}`
 * holds the text. In the body of an answer, `{"$json": [12, 40]}` stands for the bytes from 12 up to 40 of
 * the texts that came with the body.
 */
export const MARK = '$json'
/** The start of a mark in JSON text. It cannot occur within a JSON string, where the quotes would be escaped. */
const MARK_START = `{"${MARK}":[`
const MARK_END = ']}'

function mark(text: string): object {
  return { [MARK]: [text] }
}

/** Why a value cannot be encoded, and the path of the value. */
export interface Problem {
  path: Path
  reason: string
  cause?: unknown
}

function typeErrorOf({ path, reason, cause }: Problem): TypeError {
  return new TypeError(`${formatPath(path)}: ${reason}`, { cause })
}

/**
 * Encodes a value as JSON text. A Json and a bigint in it keep all their digits.
 *
 * @throws TypeError with the path of a member that JSON cannot express.
 */
function encodeText(value: unknown, path: Path = []): string {
  const copied = problemOfJson(value, path)
  if (copied) throw typeErrorOf(copied)
  const text = isObject(value) ? Json.textIn(value) : undefined
  return text ?? replaceMarkTexts(stringify(value, true, typeErrorOf, path))
}

/** Returns the problem if `value` is a copy of a Json, or a Json to which members were assigned. */
function problemOfJson(value: unknown, path: Path): Problem | undefined {
  try {
    if (isObject(value)) Json.textIn(value)
    return undefined
  } catch (cause) {
    return { path, reason: (cause as TypeError).message, cause }
  }
}

/** Replaces each mark in JSON text with the JSON that it holds. */
function replaceMarkTexts(text: string): string {
  const parts: string[] = []
  let from = 0
  for (let at = text.indexOf(MARK_START); at !== -1; at = text.indexOf(MARK_START, from)) {
    const start = at + MARK_START.length
    const end = endOfString(text, start)
    parts.push(text.slice(from, at), String(JSON.parse(text.slice(start, end))))
    from = end + MARK_END.length
  }
  return parts.join('') + text.slice(from)
}

/**
 * Encodes a value as JSON. With `withMarks`, a Json and a bigint in it become marks, which keep their digits.
 *
 * @param errorOf Creates the error to throw.
 * @param path The path of the value, for the error.
 * @throws What `errorOf` returns, if JSON cannot express a member or `JSON.stringify` would silently drop or change it.
 */
export function stringify(
  value: unknown,
  withMarks: boolean,
  errorOf: (problem: Problem) => Error,
  path: Path = [],
): string {
  try {
    return JSON.stringify(value, function (this: Record<string, unknown>, name, member: unknown): unknown {
      // `member` is what `toJSON` returned; `own` is the value itself.
      const own = this[name]
      if (isObject(own)) {
        const text = Json.textIn(own)
        if (withMarks && text !== undefined) return mark(text)
      }
      if (withMarks && typeof own === 'bigint') return mark(String(own))
      if (whyUnencodable(member, Array.isArray(this) || name === '') !== undefined) throw new TypeError()
      return withMarks && isObject(member) && Object.hasOwn(member, MARK) ? mark(objectText(member)) : member
    })
  } catch (cause) {
    // The problem is searched for again, because JSON.stringify does not say where it was.
    throw errorOf(findProblem(value, path, withMarks) ?? { path, reason: 'this is not JSON.', cause })
  }
}

/** Encodes an object that has a member named `$json`, so that the core does not take the object for a mark. */
function objectText(value: Record<string, unknown>): string {
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${encodeText(member, [name])}`).join(',')}}`
}

/** Whether a value is an object or an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** Says why JSON cannot express a value. The reason does not contain the value, which may be an API key. */
function whyUnencodable(value: unknown, isRequired: boolean): string | undefined {
  const what = unencodableType(value, isRequired)
  return what === undefined ? undefined : `${what} cannot be encoded as JSON.`
}

function unencodableType(value: unknown, isRequired: boolean): string | undefined {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? undefined : 'a number that is not finite'
    case 'undefined':
      return isRequired ? 'undefined' : undefined
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

/** How many levels deep the search goes: deeper than the core accepts. */
const MAX_DEPTH = 1000

/** Finds the first member that JSON cannot express. */
function findProblem(
  value: unknown,
  path: Path,
  withMarks: boolean,
  isRequired = true,
  ancestors: object[] = [],
): Problem | undefined {
  const copied = problemOfJson(value, path)
  if (copied) return copied
  if (withMarks && typeof value === 'bigint') return undefined
  const reason = whyUnencodable(value, isRequired)
  if (reason !== undefined) return { path, reason }
  if (!isObject(value) || typeof value.toJSON === 'function') return undefined
  if (ancestors.includes(value)) {
    return { path, reason: 'an object that contains itself cannot be encoded as JSON.' }
  }
  if (ancestors.length > MAX_DEPTH) {
    return { path: path.slice(0, 10), reason: `this is nested more than ${String(MAX_DEPTH)} levels deep.` }
  }
  const isArray = Array.isArray(value)
  // `entries()` visits the holes of an array, which `Object.entries` skips.
  const members = isArray ? [...(value as unknown[]).entries()] : Object.entries(value)
  for (const [name, member] of members) {
    const found = findProblem(member, [...path, name], withMarks, isArray, [...ancestors, value])
    if (found) return found
  }
  return undefined
}
