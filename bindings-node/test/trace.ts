/**
 * Writes what the tests see to a file, in which tests/house/canary looks for keys. Each line is
 * `{"player", "what", "text"}`.
 */

import { appendFileSync } from 'node:fs'
import path from 'node:path'
import { inspect } from 'node:util'

/** Writes everything that a user can see of a value, if HIGHTOUCH_TRACE names a folder. */
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
