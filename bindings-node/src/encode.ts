/** Encodes what the user passed for the core. */

import { refusal, type Input } from './checks.js'
import type { CallStart } from './hooks.js'
import { stringify } from './json.js'
import { formatPath } from './jsontext.js'

/**
 * Encodes settings, arguments or options as JSON.
 *
 * @param call The call that they belong to, for the error.
 * @throws HightouchError with the path of a member that JSON cannot express, or would drop or change without an error.
 */
export function encode(value: object, input: Input, call?: CallStart): string {
  // Most calls have few and plain members, for which the checks below would take longer than the encoding.
  if (isPlain(value)) return JSON.stringify(value)
  return stringify(value, input === 'argument', ({ path, reason, cause }) => {
    const name = formatPath(path, '').replace(/^\./, '')
    const what = path.length === 0 ? `the ${input}s` : `the ${input} \`${name}\``
    return refusal(input, `${what} cannot be sent: ${reason}`, call, cause)
  })
}

/** Whether JSON can express every member without a loss, which is certain at one look. */
function isPlain(value: object): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  for (const member of Object.values(value) as unknown[]) {
    const type = typeof member
    if (type !== 'string' && type !== 'boolean' && !Number.isFinite(member) && member !== undefined)
      return false
  }
  return !('toJSON' in value)
}
