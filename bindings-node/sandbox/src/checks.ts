/** Checks the arguments and options that a test passes. Plain JavaScript has no types that would check them. */

/** The condition that a value must meet, and how a message describes the condition. */
export type Rule = readonly [expected: string, isValid: (value: unknown) => boolean]

/** The rules for the options of a method, by their names. */
export type Rules<Options> = Readonly<Record<keyof Options & string, Rule>>

export const BOOLEAN: Rule = ['true or false', (value) => typeof value === 'boolean']
export const TEXT: Rule = ['a string', (value) => typeof value === 'string']
export const TEXTS: Rule = [
  'an array of strings',
  (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
]
export const OBJECT: Rule = ['an object', isObject]
export const HEADERS: Rule = [
  'an object whose members are strings',
  (value) => isObject(value) && Object.values(value).every((one) => typeof one === 'string'),
]
export const STATUS: Rule = wholeNumber(200, 599)

/** The largest whole number that the server accepts for a count. */
export const LARGEST = 2 ** 32 - 1

export function number(least: number, most: number = Number.MAX_VALUE): Rule {
  const expected =
    most === Number.MAX_VALUE
      ? `a number, ${shown(least)} or more`
      : `a number from ${shown(least)} to ${shown(most)}`
  return [expected, (value) => typeof value === 'number' && value >= least && value <= most]
}

export function wholeNumber(least: number, most = LARGEST): Rule {
  const [, isValid] = number(least, most)
  return [
    `a whole number from ${shown(least)} to ${shown(most)}`,
    (value) => isValid(value) && Number.isInteger(value),
  ]
}

export function oneOf(...allowed: readonly string[]): Rule {
  const names = allowed.map((one) => `'${one}'`)
  return [names.join(' or '), (value) => typeof value === 'string' && allowed.includes(value)]
}

/** Returns a rule that also accepts another value, which messages show as `text`. */
export function or([expected, isValid]: Rule, other: unknown, text = String(other)): Rule {
  return [`${expected}, or ${text}`, (value) => value === other || isValid(value)]
}

/** @throws TypeError if an argument of `method` is wrong. */
export function checkArgument(method: string, name: string, value: unknown, [expected, isValid]: Rule): void {
  if (!isValid(value)) throw new TypeError(`${method}: \`${name}\` must be ${expected}.`)
}

/** @throws TypeError if an option of `method` is unknown or wrong. */
export function checkOptions<Options extends object>(
  method: string,
  options: Options,
  rules: Rules<Options>,
): void {
  checkArgument(method, 'options', options, OBJECT)
  const known: ReadonlyMap<string, Rule> = new Map(Object.entries(rules))
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const rule = known.get(name)
    if (rule === undefined) {
      const names = [...known.keys()].map((one) => `\`${one}\``).join(', ')
      throw new TypeError(`${method}: unknown option \`${name}\`; known are ${names}.`)
    }
    if (value !== undefined) checkArgument(method, name, value, rule)
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: number): string {
  return value.toLocaleString('en')
}
