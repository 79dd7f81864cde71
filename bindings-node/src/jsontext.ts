/** JSON as text, because `JSON.parse` loses the digits of large numbers. */

/** The names of members and array indices that lead to a value, the outermost first. */
export type Path = readonly (string | number)[]

/** Formats a path as JavaScript: `value.mappings[0]`. */
export function formatPath(path: Path, root = 'value'): string {
  return root + path.map((name) => (typeof name === 'number' ? `[${String(name)}]` : `.${name}`)).join('')
}

/** Returns the index after the JSON string at `at`. A regular expression would overflow the stack on long strings. */
export function endOfString(text: string, at: number): number {
  let end = at + 1
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  return end + 1
}

/** The position of a JSON text in an answer: the bytes of `texts` from `start` up to `end`. */
export interface TextPart {
  texts: Buffer
  start: number
  end: number
}

/** What a Json holds. */
export interface State {
  /** The JSON text. Until somebody reads the text, its position in the bytes of an answer can stand here instead. */
  text: string | TextPart
  /** The parsed text; undefined until the value is first read. */
  parsed?: unknown
}

/** Returns the JSON text, and keeps it in the state. */
export function textOf(state: State): string {
  if (typeof state.text === 'string') return state.text
  const { texts, start, end } = state.text
  return (state.text = texts.toString('utf8', start, end))
}

/** Freezes a value at every depth. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const name in value) {
    // Most members are primitives, and this check is cheaper than a call.
    if (typeof value[name] === 'object') deepFreeze(value[name])
  }
  return Object.freeze(value)
}

/**
 * A JSON value as `JSON.parse` returns it. Integers beyond 2^53 lose digits, and numbers beyond 1.8e308 are
 * infinite.
 */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue }

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
 * Returns a path as an array. A string is the name of one member.
 *
 * @throws TypeError if an element of the path is neither a name nor an array index.
 */
export function stepsOf(path: string | Path): Path {
  const steps = typeof path === 'string' ? [path] : path
  const wrong = steps.findIndex(
    (step) => typeof step !== 'string' && !(Number.isSafeInteger(step) && step >= 0),
  )
  if (wrong >= 0) {
    throw new TypeError(
      `${formatPath(steps.slice(0, wrong + 1))}: a step of a path must be a name or an array index.`,
    )
  }
  return steps
}

/** A change of a JsonDiff, as the core encodes it. `old` and `new` are JSON text, so that no digit is lost. */
export interface WrittenChange {
  path: Path
  kind: 'added' | 'removed' | 'changed'
  old?: string
  new?: string
}
