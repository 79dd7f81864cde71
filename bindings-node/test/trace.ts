/**
 * Writes values of tests to a file, in every form that a user can see, such as the text of `inspect`. Afterwards,
 * tests/house/canary checks that the file contains no API key. Each line is a JSON object with the members `player`,
 * `what` and `text`.
 */

import { appendFileSync } from 'node:fs'
import path from 'node:path'
import { inspect } from 'node:util'

/** Writes a value in every form that a user can see to a file in the folder HIGHTOUCH_TRACE, if that is set. */
export function trace(what: string, value: unknown, more = ''): void {
  const folder = process.env.HIGHTOUCH_TRACE
  if (folder === undefined) return
  const text = [more, String(value), inspect(value, { depth: 12, showHidden: true }), JSON.stringify(value)]
  if (value instanceof Error) text.push(value.stack ?? '', inspect(copied(value), { depth: 12 }))
  const record = { player: 'node', what, text: text.join(' ') }
  appendFileSync(path.join(folder, `node-${String(process.pid)}.jsonl`), `${JSON.stringify(record)}\n`)
}

/** Copies an error as if it were sent to another thread; undefined if its cause cannot be copied. */
function copied(error: Error): unknown {
  try {
    return structuredClone(error)
  } catch {
    return undefined
  }
}

/** Decodes a run token. */
export function decoded(token: string): string {
  return Buffer.from(token, 'base64url').toString()
}
