/** What the tests were shown, for the scan for keys (tests/house/canary): `{"player", "what", "text"}`, one a line. */

import { appendFileSync } from 'node:fs'
import path from 'node:path'
import { inspect } from 'node:util'

/** Notes what a user can come to see of a value, where HIGHTOUCH_TRACE names a folder. */
export function trace(what: string, value: unknown, more = ''): void {
  const folder = process.env.HIGHTOUCH_TRACE
  if (folder === undefined) return
  const text = [more, String(value), inspect(value, { depth: 12, showHidden: true }), JSON.stringify(value)]
  if (value instanceof Error) text.push(value.stack ?? '', inspect(copied(value), { depth: 12 }))
  const record = { player: 'node', what, text: text.join(' ') }
  appendFileSync(path.join(folder, `node-${String(process.pid)}.jsonl`), `${JSON.stringify(record)}\n`)
}

/** An error as it comes to another thread; what a cause holds may be none that can. */
function copied(error: Error): unknown {
  try {
    return structuredClone(error)
  } catch {
    return undefined
  }
}

/** What a token says. */
export function decoded(token: string): string {
  return Buffer.from(token, 'base64url').toString()
}
