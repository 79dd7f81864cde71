/** Opaque JSON, kept as the text that the server sent. */

import { inspect, isDeepStrictEqual, type InspectOptions } from 'node:util'

import { encodeText } from './json-encoding.js'
import { ASSIGNED_TO, COPIED, COPY_GUARD, COPY_ITS_VALUE, STATE } from './json-guard.js'
import {
  deepFreeze,
  stepsOf,
  textOf,
  type Frozen,
  type JsonValue,
  type Path,
  type State,
  type TextPart,
  type WrittenChange,
} from './jsontext.js'
import { callLocal } from './native.js'

/**
 * A value that can be sent where the API takes any JSON. A {@link Json} at any depth and a `bigint` are sent with all
 * their digits. A member that is `undefined` is left out. Sending `undefined` in an array, or anything else that JSON
 * cannot express, is an error.
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

/**
 * Opaque JSON, such as a sync's `configuration`. It holds the text that the server sent, and parses the text when you
 * first read `value`.
 *
 * A `Json` that you pass on is sent exactly as it came, with every digit. `JSON.stringify` writes its `value`, and
 * `assert.deepEqual` compares the `value` of both sides. A `Json` is not a plain object. Sending a copy that was made
 * by spreading or merging, or a `Json` to which a member was assigned, is an error. `structuredClone` throws; clone the
 * `text` or the `value` instead.
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
  /** The parsed value, frozen at every depth. Large numbers lose digits in `value`; `text` has all digits. */
  declare readonly value: Frozen<T>
  /** @internal */
  declare readonly [COPY_GUARD]: typeof COPY_ITS_VALUE
  /** @internal */
  declare readonly [STATE]: State
  readonly #state: State

  // All objects share one getter. V8 creates a hidden class for each object that has a getter of its own, and this
  // takes several times longer than the rest of decoding an answer.
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
    this.#state = { text: text ?? encodeText(textIn, value) }
    // Both are own properties: deepEqual then compares `value`, and a copy can be recognised by its `COPY_GUARD`.
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
   * Encodes a value as JSON text, like `JSON.stringify`, but with every digit of each {@link Json} and `bigint` in it.
   * Use it for answers that contain opaque JSON, such as a sync.
   *
   * @param value The value.
   * @throws `TypeError` with the path of a member that JSON cannot express. `JSON.stringify` drops some such members.
   */
  static stringify(value: unknown): string {
    return encodeText(textIn, value)
  }

  /**
   * Returns the text if `value` is a Json, else `undefined`.
   *
   * @internal
   * @throws TypeError if `value` is a copy of a Json, or a Json to which members were assigned.
   */
  static textIn(value: object): string | undefined {
    if (#state in value) {
      // A Json has two enumerable members, `value` and `COPY_GUARD`. Any other member was assigned later.
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
   * Returns a copy with one value replaced or added. Everything else keeps its digits, its spacing and its order.
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
    return this.edit((edit) => edit.set(path, value))
  }

  /**
   * Returns a copy without one member or item. Everything else keeps its digits, its spacing and its order.
   *
   * @param path The name of a member, or the names and array indices that lead to a value.
   * @throws `TypeError` if no value is at the path, or the path is empty.
   */
  without(path: string | Path): Json<T> {
    return this.edit((edit) => edit.remove(path))
  }

  /**
   * Returns a copy with several changes. Everything else keeps its digits, its spacing and its order.
   *
   * ```ts
   * import { Json } from 'hightouch-sdk'
   *
   * const configuration = new Json({ mode: 'upsert', mappings: [{ from: 'email', to: 'Email__c' }] })
   * const changed = configuration.edit((edit) => {
   *   edit.set(['mappings', 0, 'to'], 'Email')
   *   edit.append('mappings', { from: 'name', to: 'Name' })
   *   edit.remove('mode')
   * })
   * ```
   *
   * @param change Makes the changes. Each change applies to the result of the changes before it.
   * @throws `TypeError` if a change is not possible, or `change` returns a promise.
   */
  edit(change: (edit: JsonEdit) => unknown): Json<T> {
    const edit = new JsonEdit()
    const returned = change(edit)
    const edits = edit.end()
    if (typeof (returned as { then?: unknown } | undefined)?.then === 'function') {
      throw new TypeError('edit: the function must not be async. Await what it needs before the edit.')
    }
    const { json } = callLocal('json.edit', { json: this.text, edits }, TypeError) as Edited
    return new Json<T>(undefined, json)
  }

  /**
   * Finds what differs between this value and a newer value.
   *
   * Strings are compared by their characters, and numbers by all their digits: `1e400` and `1e401` differ, but `1`
   * equals `1.0`. The order of members and the spelling of a value do not matter. Items of arrays are aligned, so that
   * an inserted item is one change.
   *
   * @param other The newer value: a `Json` or a plain value.
   * @returns The changes that lead from this value to `other`. As a string they are one line each.
   * @throws `TypeError` if JSON cannot express a member of `other`, or a value nests more than 127 levels deep.
   */
  diff(other: JsonInput): JsonDiff {
    const args = { old: this.text, new: encodeText(textIn, other) }
    const { changes } = callLocal('json.diff', args, TypeError) as { changes: WrittenChange[] }
    return new JsonDiff(changes.map((change) => new JsonChange(change)))
  }

  /**
   * Returns whether the texts or the parsed values are equal. So `1` equals `1.0`, the order of members does not
   * matter, and two numbers are equal if JavaScript rounds them to the same number.
   *
   * @param other A `Json` or a plain value.
   * @throws `TypeError` with the path of a member of `other` that JSON cannot express.
   */
  equals(other: JsonInput): boolean {
    const text = encodeText(textIn, other)
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

/** Returns the text of a Json, and `undefined` for any other value. Throws a TypeError for a copy of a Json. */
export const textIn = (value: object): string | undefined => Json.textIn(value)

type Edited = Record<'json', string>

/** The changes of {@link Json.edit}. A path is the name of a member, or the names and indices that lead to a value. */
export class JsonEdit {
  #edits: object[] | undefined = []

  /** @internal */
  end(): object[] {
    const edits = this.#edits ?? []
    this.#edits = undefined
    return edits
  }

  #add(kind: string, path: string | Path, more: object = {}): this {
    if (!this.#edits) throw new TypeError('The edit has ended. Start another one with `edit`.')
    this.#edits.push({ do: kind, path: stepsOf(path), ...more })
    return this
  }

  #put(kind: string, path: string | Path, value: JsonInput): this {
    return this.#add(kind, path, { value: encodeText(textIn, value, stepsOf(path)) })
  }

  /**
   * Replaces a value, or adds one: a member with a new name, or an array item with the next free index.
   *
   * @param path The path of the value.
   * @param value The new value.
   */
  set(path: string | Path, value: JsonInput): this {
    return this.#put('set', path, value)
  }

  /**
   * Inserts an item into an array. The last element of the path is the index that the item gets.
   *
   * @param path The path of the item. Its index may be the length of the array.
   * @param value The item.
   */
  insert(path: Path, value: JsonInput): this {
    return this.#put('insert', path, value)
  }

  /**
   * Adds an item at the end of an array.
   *
   * @param path The path of the array.
   * @param value The item.
   */
  append(path: string | Path, value: JsonInput): this {
    return this.#put('append', path, value)
  }

  /**
   * Removes a member or an item.
   *
   * @param path The path of the member or item.
   */
  remove(path: string | Path): this {
    return this.#add('remove', path)
  }

  /**
   * Gives a member another name. The member keeps its value and its place in the object.
   *
   * @param path The path of the member.
   * @param name The new name, which no other member of the object may have.
   */
  rename(path: string | Path, name: string): this {
    return this.#add('rename', path, { name })
  }
}

/** One change of a {@link JsonDiff}. As a string it is one line, with long values shortened. */
export class JsonChange {
  /**
   * The names and array indices that lead to the value, as {@link Json.with} takes them. The path is valid once the
   * changes before this one have been made. So the path of an added or changed array item has the index of the item in
   * the new array. The path of a removed item has the index of the item just before the removal.
   */
  readonly path: Path
  /** What happened to the value. */
  readonly kind: 'added' | 'removed' | 'changed'
  /** The value before the change, with all its digits; `undefined` if the value is added. */
  readonly old: Json | undefined
  /** The value after the change, with all its digits; `undefined` if the value is removed. */
  readonly new: Json | undefined

  /** @internal */
  constructor({ path, kind, old, new: next }: WrittenChange) {
    this.path = path
    this.kind = kind
    this.old = old === undefined ? undefined : new Json(undefined, old)
    this.new = next === undefined ? undefined : new Json(undefined, next)
  }

  /** @internal */
  written(): WrittenChange {
    const { path, kind } = this
    const [old, next] = [this.old?.text, this.new?.text]
    return { path, kind, ...(old !== undefined && { old }), ...(next !== undefined && { new: next }) }
  }

  /** Returns the change as one line. */
  toString(): string {
    return String(new JsonDiff([this]))
  }
}

/**
 * The changes that lead from one JSON value to another, in order. As a string, a diff has one line for each change:
 * `+` for an added value, `-` for a removed one and `~` for a changed one.
 */
export class JsonDiff implements Iterable<JsonChange> {
  /** @internal */
  constructor(
    /** The changes. */
    readonly changes: readonly JsonChange[],
  ) {}

  /** Whether nothing differs. */
  get isEmpty(): boolean {
    return this.changes.length === 0
  }

  /** Iterates over the changes. */
  [Symbol.iterator](): Iterator<JsonChange> {
    return this.changes[Symbol.iterator]()
  }

  #written(): WrittenChange[] {
    return this.changes.map((change) => change.written())
  }

  /** Returns the changes that lead back from the new value to the old one. */
  reversed(): JsonDiff {
    const kinds = { added: 'removed', removed: 'added', changed: 'changed' } as const
    return new JsonDiff(
      this.#written()
        .reverse()
        .map(({ path, kind, old, new: next }) => {
          const swapped = { ...(next !== undefined && { old: next }), ...(old !== undefined && { new: old }) }
          return new JsonChange({ path, kind: kinds[kind], ...swapped })
        }),
    )
  }

  /**
   * Makes the changes in a value. Everything else keeps its digits, its spacing and its order.
   *
   * @param value The value. It may differ from the value that was compared, but not in the places that the changes
   * concern.
   * @throws `Error` if a path does not exist, or the value at the path is not the `old` value of the change.
   * @throws `TypeError` if JSON cannot express a member of `value`.
   */
  apply(value: JsonInput): Json {
    const args = { json: encodeText(textIn, value), changes: this.#written() }
    return new Json(undefined, (callLocal('json.apply', args, Error) as Edited).json)
  }

  /** Returns one line for each change. */
  toString(): string {
    const args = { changes: this.#written() }
    return (callLocal('json.describe', args, Error) as { lines: string[] }).lines.join('\n')
  }
}
