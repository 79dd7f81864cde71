/** Encodes the values of users as JSON, with all the digits of each Json and bigint in them. */

import { types } from 'node:util'

import { endOfString, formatPath, type Path } from './jsontext.js'

/**
 * This package and the core exchange opaque JSON as marks. A mark is an object with one member, which has this name.
 * `{"$json": ["…"]}` holds the text of the JSON. In the body of an answer, `{"$json": [12, 40]}` stands for the bytes
 * from 12 up to 40 of the texts that came with the body.
 */
export const MARK = '$json'
/**
 * The start of a mark ({@link MARK}) in JSON text. It cannot occur within a JSON string, where the quotes would be
 * escaped.
 */
const MARK_START = `{"${MARK}":[`
const MARK_END = ']}'

/** Returns the text of a Json, and `undefined` for any other value. Throws a TypeError for a copy of a Json. */
export type TextIn = (value: object) => string | undefined

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
export function encodeText(textIn: TextIn, value: unknown, path: Path = []): string {
  const copied = problemOfJson(textIn, value, path)
  if (copied) throw typeErrorOf(copied)
  const text = isObject(value) ? textIn(value) : undefined
  return text ?? replaceMarkTexts(stringify(textIn, value, true, typeErrorOf, path))
}

/** Returns the problem if `value` is a copy of a Json, or a Json to which members were assigned. */
function problemOfJson(textIn: TextIn, value: unknown, path: Path): Problem | undefined {
  try {
    if (isObject(value)) textIn(value)
    return undefined
  } catch (cause) {
    return { path, reason: (cause as TypeError).message, cause }
  }
}

/** Replaces each mark, such as `{"$json":["1.50"]}`, with the JSON text in it, such as `1.50`. */
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
 * Encodes a value as JSON. With `withMarks`, each Json and each bigint in the value becomes a mark ({@link MARK}), so
 * that no digit is lost.
 *
 * @param errorOf Creates the error to throw.
 * @param path The path of the value, for the error.
 * @throws What `errorOf` returns, if JSON cannot express a member or `JSON.stringify` would silently drop or change it.
 */
export function stringify(
  textIn: TextIn,
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
        const text = textIn(own)
        if (withMarks && text !== undefined) return mark(text)
      }
      if (withMarks && typeof own === 'bigint') return mark(String(own))
      if (whyUnencodable(member, Array.isArray(this) || name === '') !== undefined) throw new TypeError()
      return withMarks && isObject(member) && Object.hasOwn(member, MARK)
        ? mark(objectText(textIn, member))
        : member
    })
  } catch (cause) {
    // Searches for the problem again, because JSON.stringify does not say at which path it found the problem.
    throw errorOf(findProblem(textIn, value, path, withMarks) ?? { path, reason: 'this is not JSON.', cause })
  }
}

/**
 * Encodes an object that has a member named `$json`. The caller sends this text in a mark ({@link MARK}), because the
 * core could take the object itself for a mark.
 */
function objectText(textIn: TextIn, value: Record<string, unknown>): string {
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${encodeText(textIn, member, [name])}`).join(',')}}`
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

/** How many levels deep the search goes. The core accepts fewer levels. */
const MAX_DEPTH = 1000

/** Finds the first member that JSON cannot express. */
function findProblem(
  textIn: TextIn,
  value: unknown,
  path: Path,
  withMarks: boolean,
  isRequired = true,
  ancestors: object[] = [],
): Problem | undefined {
  const copied = problemOfJson(textIn, value, path)
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
  // `entries()` also visits the holes of an array; `Object.entries` skips holes.
  const members = isArray ? [...(value as unknown[]).entries()] : Object.entries(value)
  for (const [name, member] of members) {
    const found = findProblem(textIn, member, [...path, name], withMarks, isArray, [...ancestors, value])
    if (found) return found
  }
  return undefined
}
