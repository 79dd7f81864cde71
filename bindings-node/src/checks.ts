/**
 * Checks the names of settings, arguments and options, and checks signals. The core cannot check them, because this
 * package handles some of the names itself, such as `signal`, and the core does not know these names.
 */

import type { HightouchError } from './errors.js'
import { errorFrom } from './failures.js'
import type { CalledMethod } from './hooks.js'

/** What a user passes: settings of a client, arguments of a method, or options of a call. */
export type Input = 'setting' | 'argument' | 'option'

/**
 * Creates the error for a wrong input. The message of the error has the form of the core's messages.
 *
 * @param what The problem, as a sentence that starts in lower case.
 * @param call The call that was refused, if the input belongs to a call.
 */
export function refusal(input: Input, what: string, call?: CalledMethod, cause?: unknown): HightouchError {
  const text = call ? `${call.operation}: ${what}` : what.charAt(0).toUpperCase() + what.slice(1)
  const kind = input === 'setting' ? 'config' : 'invalid_request'
  return errorFrom({ kind, message: `${text} Nothing was sent.`, ...call }, cause)
}

/**
 * Refuses an object that has a member with an unknown name.
 *
 * @param hidden Names that are accepted, but that a message must not mention.
 * @throws HightouchError. Its message suggests the nearest known name, or lists all known names if no known name is
 * near.
 */
export function checkNames(
  input: Input,
  given: object,
  known: readonly string[],
  { hidden = [], call }: { hidden?: readonly string[]; call?: CalledMethod | undefined } = {},
): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name) || hidden.includes(name)) continue
    const nearest = nearestName(name, known)
    const help = nearest
      ? `did you mean \`${nearest}\`?`
      : `known are ${known.map((one) => `\`${one}\``).join(', ')}.`
    // Only a short name of letters, digits, `_` and `-` is shown. Any other name may be a misplaced secret.
    const shown = /^[\w-]{1,64}$/.test(name) ? ` \`${name}\`` : ''
    throw refusal(input, `unknown ${input}${shown}; ${help}`, call)
  }
}

/** Returns the known name that was most likely meant, if one is close enough. */
function nearestName(name: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((candidate) => ({ candidate, edits: editsBetween(plain(name), plain(candidate)) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((one, other) => one.edits - other.edits)
  return nearest?.candidate
}

/** Reduces a name to lower-case letters and digits, so that `timeout_ms` and `timeoutMs` are equal. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/** Returns the Levenshtein distance of two texts. */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [index, character] of Array.from(from).entries()) {
    const next = [index + 1]
    for (const [column, wanted] of Array.from(to).entries()) {
      const [replaced = 0, deleted = 0, inserted = 0] = [row[column], row[column + 1], next[column]]
      next.push(Math.min(replaced + Number(character !== wanted), deleted + 1, inserted + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}

/**
 * Refuses a `signal` that is not an AbortSignal, such as the AbortController itself.
 *
 * @throws HightouchError (`invalid_request`) if `signal` is neither an AbortSignal nor undefined.
 */
export function checkSignal(signal: unknown, call?: CalledMethod): void {
  if (signal === undefined) return
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function') return
  throw refusal('option', 'the option `signal` must be an AbortSignal.', call)
}
