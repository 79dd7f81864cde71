/** Creates errors from failures of the core. */

import path from 'node:path'

import { errorClasses } from './error-table.js'
import type { Failure, HightouchError } from './errors.js'
import { decode } from './decode.js'

/**
 * Appears in each frame of this package: the path of its bundle, or of its folder if it runs as separate modules. If a
 * user's bundler has put it into a file with the user's own code, its frames cannot be told apart and are kept.
 */
const OWN_PATH = { 'hightouch-sdk.js': __filename, 'failures.js': path.dirname(__filename) + path.sep }[
  path.basename(__filename)
]

/** More than the number of our own frames between a user's call and an error. */
const OWN_FRAMES = 12

/** Creates the error for a failure. Its stack has the caller's frames alone, because V8 keeps only ten frames. */
export function errorFrom(failure: Failure, cause?: unknown): HightouchError {
  const limit = Error.stackTraceLimit
  Reflect.set(Error, 'stackTraceLimit', limit + OWN_FRAMES)
  const error = new errorClasses[failure.kind](failure, cause)
  Reflect.set(Error, 'stackTraceLimit', limit)
  const stack: unknown = error.stack
  if (typeof stack === 'string') {
    let frames = 0
    error.stack = stack
      .split('\n')
      .filter((line) => !line.startsWith('    at ') || (!isOwn(line) && ++frames <= limit))
      .join('\n')
  }
  return error
}

function isOwn(frame: string): boolean {
  return OWN_PATH !== undefined && frame.includes(OWN_PATH)
}

export function failureOf(json: string): Failure {
  return decode(json) as Failure
}
