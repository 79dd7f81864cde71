/** Creates errors from failures of the core. */

import path from 'node:path'

import { errorClasses } from './error-table.js'
import type { Failure, HightouchError } from './errors.js'
import { decode } from './decode.js'

/** The folder of this package's own code. In a bundle it is unknown, because user code is in the same file. */
const OWN_FOLDER =
  path.basename(__filename) === 'failures.js' ? path.dirname(__filename) + path.sep : undefined

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
  return OWN_FOLDER !== undefined && frame.includes(OWN_FOLDER)
}

export function failureOf(json: string): Failure {
  return decode(json) as Failure
}
