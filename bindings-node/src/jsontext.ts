/** JSON as text: comparing it to the last digit, and changing one value in it. */

/** Strings and numbers in JSON text. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[-+.\deE]*/g

/** Parses into a tree whose numbers are text of one spelling; their first letter tells them from strings. */
export function exact(text: string): unknown {
  return JSON.parse(
    text.replace(TOKEN, (token) => (token.startsWith('"') ? `"s${token.slice(1)}` : `"n${numeral(token)}"`)),
  )
}

/** Spells a number as its sign, its significant digits and a power of ten. */
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

/** Names members of objects and positions in lists, from the outermost to the innermost. */
export type Path = readonly (string | number)[]

/** Writes a path as JavaScript would: `value.mappings[0]`. */
export function spelled(path: Path, root = 'value'): string {
  return root + path.map((name) => (typeof name === 'number' ? `[${String(name)}]` : `.${name}`)).join('')
}

/**
 * Returns `text` with another value at `path`. Only the last name may be new: a member of an object, or the position
 * after a list's last item.
 *
 * @throws TypeError when the path leads nowhere.
 */
export function edited(text: string, path: Path, value: string): string {
  let at = skipSpace(text, 0)
  let end = endOfValue(text, at)
  for (const [depth, name] of path.entries()) {
    const { found, close, last } = look(text, at, name)
    if (found) {
      at = found.start
      end = found.end
      continue
    }
    const appendable = typeof name === 'string' ? text[at] === '{' : text[at] === '[' && name === last.items
    if (depth < path.length - 1 || !appendable) {
      throw new TypeError(`${spelled(path.slice(0, depth + 1))}: there is no such value.`)
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

/** What an object or a list has under one name. Of several members with that name the last one counts. */
interface Look {
  found: Span | undefined
  /** Where the closing bracket stands. */
  close: number
  last: { items: number; end: number }
}

function look(text: string, open: number, name: string | number): Look {
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

/** Where the string ends whose opening quote stands at `at`. By hand: an expression overflows the stack on long ones. */
export function endOfString(text: string, at: number): number {
  let end = at + 1
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  return end + 1
}

/** Where the value ends that begins at `at`. */
function endOfValue(text: string, at: number): number {
  let depth = 0
  let end = at
  do {
    const letter = text[end]
    if (letter === '"') {
      end = endOfString(text, end)
      continue
    }
    if (letter === '{' || letter === '[') depth += 1
    else if (letter === '}' || letter === ']') depth -= 1
    else if (depth === 0) return endOfWord(text, end)
    end += 1
  } while (depth > 0)
  return end
}

/** Where the number, `true`, `false` or `null` ends that begins at `at`. */
function endOfWord(text: string, at: number): number {
  let end = at
  while (end < text.length && !',]} \n\r\t'.includes(text.charAt(end))) end += 1
  return end
}
