/** Decodes the answers of the core. */

import { Json } from './json.js'
import { isObject, MARK } from './json-encoding.js'
import type { TextPart } from './jsontext.js'

/**
 * Parses an answer of the core, and replaces each mark ({@link MARK}) with a {@link Json}.
 *
 * @param texts The bytes to which marks refer by position.
 */
export function decode(json: string, texts?: Buffer): unknown {
  const value: unknown = JSON.parse(json)
  const hasMarks = texts !== undefined || json.includes(`"${MARK}"`)
  return isObject(value) && hasMarks ? replaceMarks(value, texts) : value
}

function replaceMarks(value: object, texts: Buffer | undefined): unknown {
  if (Array.isArray(value)) {
    // The loop uses an index, because `for in` would create a string for each index.
    const items = value as unknown[]
    for (let nth = 0; nth < items.length; nth += 1) {
      const item = items[nth]
      if (!isObject(item)) continue
      const decoded = replaceMarks(item, texts)
      if (decoded !== item) items[nth] = decoded
    }
    return items
  }
  const members = value as Record<string, unknown>
  for (const name in members) {
    const member = members[name]
    if (!isObject(member)) continue
    // In a mark, the member `$json` is an array. A map of the API, such as `tags`, can have a member of this name too,
    // but there its value is never an array.
    if (name === MARK && Array.isArray(member)) {
      const [text, end] = member as unknown[] as [string | number, number?]
      return new Json(undefined, typeof text === 'string' ? text : ({ texts, start: text, end } as TextPart))
    }
    const decoded = replaceMarks(member, texts)
    // Storing a value costs more than this comparison.
    if (decoded !== member) members[name] = decoded
  }
  return members
}
