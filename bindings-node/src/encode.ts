/** Encodes the user's settings, arguments and options for the core. */

import { refusal, type Input } from './checks.js'
import type { CalledMethod } from './hooks.js'
import { textIn } from './json.js'
import { stringify } from './json-encoding.js'
import { formatPath } from './jsontext.js'

/**
 * Encodes settings, arguments or options as JSON.
 *
 * @param call The call that the arguments or options belong to; the error names this call.
 * @throws HightouchError with the path of a member that JSON cannot express, or that `JSON.stringify` would drop or
 * change without an error.
 */
export function encode(value: object, input: Input, call?: CalledMethod): string {
  // Most values have only a few plain members. For such values, the checks below would take longer than the encoding.
  if (isPlain(value)) return JSON.stringify(value)
  return stringify(textIn, value, input === 'argument', ({ path, reason, cause }) => {
    const name = formatPath(path, '').replace(/^\./, '')
    const what = path.length === 0 ? `the ${input}s` : `the ${input} \`${name}\``
    return refusal(input, `${what} cannot be sent: ${reason}`, call, cause)
  })
}

/**
 * Whether `JSON.stringify` certainly encodes a value without loss: each member is a string, a boolean, a finite number
 * or undefined.
 */
function isPlain(value: object): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  // This also checks the members of the prototype, although `JSON.stringify` leaves them out. At worst, a plain value
  // is encoded the slow way.
  for (const name in value) {
    const member: unknown = value[name as keyof typeof value]
    const type = typeof member
    if (type !== 'string' && type !== 'boolean' && !Number.isFinite(member) && member !== undefined)
      return false
  }
  return !('toJSON' in value)
}
