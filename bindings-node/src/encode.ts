/** What crosses to the core, as JSON. */

import { errorFrom } from './errors.js'
import { stringify } from './json.js'

/** What is encoded, and what an error in it is called. */
const FAILURES = { settings: 'config', arguments: 'invalid_request', options: 'invalid_request' } as const

/**
 * Writes JSON of what a user gave.
 *
 * @throws HightouchError with the path of what JSON would drop or change in silence.
 */
export function encode(value: object, what: keyof typeof FAILURES): string {
  try {
    return stringify(value, what, what === 'arguments')
  } catch (thrown) {
    const { message, cause } = thrown as TypeError
    throw errorFrom({ kind: FAILURES[what], message: `${message} Nothing was sent.` }, cause)
  }
}
