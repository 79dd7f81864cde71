/** Finds and replaces values in JSON text, because `JSON.parse` loses the digits of large numbers. */

/** The names of members and array indices that lead to a value, the outermost first. */
export type Path = readonly (string | number)[]

/** Formats a path as JavaScript: `value.mappings[0]`. */
export function formatPath(path: Path, root = 'value'): string {
  return root + path.map((name) => (typeof name === 'number' ? `[${String(name)}]` : `.${name}`)).join('')
}

/**
 * Returns `text` with the value at `path` replaced or added. If the last name or index of the path is new, a member is
 * added to the object, or an item to the end of the array.
 *
 * @throws TypeError if no value is at the path and none can be added there.
 */
export function replaceAt(text: string, path: Path, value: string): string {
  let at = skipSpace(text, 0)
  let end = endOfValue(text, at)
  for (const [depth, name] of path.entries()) {
    const { found, close, last } = findMember(text, at, name)
    if (found) {
      at = found.start
      end = found.end
      continue
    }
    const appendable = typeof name === 'string' ? text[at] === '{' : text[at] === '[' && name === last.items
    if (depth < path.length - 1 || !appendable) {
      throw new TypeError(`${formatPath(path.slice(0, depth + 1))}: no value is at this path.`)
    }
    const added = typeof name === 'string' ? `${JSON.stringify(name)}:${value}` : value
    const before = last.items === 0 ? close : last.end
    return text.slice(0, before) + (last.items === 0 ? '' : ',') + added + text.slice(before)
  }
  return text.slice(0, at) + value + text.slice(end)
}

interface Span {
  start: number
  end: number
}

/** The result of the search for a member in the text of an object, or for an item in the text of an array. */
interface Search {
  found: Span | undefined
  /** The position of the closing bracket. */
  close: number
  /**
   * The number of members or items, and the end of the last one. The number is -1 for a value that is
   * neither an object nor an array.
   */
  last: { items: number; end: number }
}

/** Finds a member or an item. If a name occurs more than once, the last member with this name counts. */
function findMember(text: string, open: number, name: string | number): Search {
  const object = text[open] === '{'
  const nothing = { found: undefined, close: open, last: { items: -1, end: open } }
  if (!object && text[open] !== '[') return nothing
  let found: Span | undefined
  let items = 0
  let end = open
  let at = skipSpace(text, open + 1)
  while (text[at] !== '}' && text[at] !== ']') {
    let own: string | number = items
    if (object) {
      const colon = endOfString(text, at)
      own = JSON.parse(text.slice(at, colon)) as string
      at = skipSpace(text, skipSpace(text, colon) + 1)
    }
    end = endOfValue(text, at)
    if (own === name) found = { start: at, end }
    items += 1
    at = skipSpace(text, end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return { found, close: at, last: { items, end } }
}

function skipSpace(text: string, at: number): number {
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1
  return at
}

/** Returns the end of the string that starts at `at`. A regular expression would overflow the stack on long strings. */
export function endOfString(text: string, at: number): number {
  let end = at + 1
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  return end + 1
}

/** Returns the end of the value that starts at `at`. */
function endOfValue(text: string, at: number): number {
  let depth = 0
  let end = at
  do {
    const character = text[end]
    if (character === '"') {
      end = endOfString(text, end)
      continue
    }
    if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') depth -= 1
    else if (depth === 0) return endOfWord(text, end)
    end += 1
  } while (depth > 0)
  return end
}

/** Returns the end of the number, `true`, `false` or `null` that starts at `at`. */
function endOfWord(text: string, at: number): number {
  let end = at
  while (end < text.length && !',]} \n\r\t'.includes(text.charAt(end))) end += 1
  return end
}
