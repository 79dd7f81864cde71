/** Creates errors from failures of the core. */

import { basename, dirname, sep } from 'node:path'

import { errorClasses } from './error-table.js'
import { HightouchError, type Failure } from './errors.js'
import { decode } from './decode.js'

/**
 * A text that each stack frame of this package contains: the path of the bundle, or the path of the folder if the
 * package runs as separate modules. The text is undefined if a user's bundler has put this package into one file with
 * the user's own code. The frames of this package then look like the user's, so all frames are kept.
 */
const OWN_PATH = ownPath()

function ownPath(): string | undefined {
  // A bundle of ES modules has no `__filename`.
  if (typeof __filename !== 'string') return undefined
  const folder = dirname(__filename) + sep
  return { 'hightouch-sdk.js': __filename, 'failures.js': folder }[basename(__filename)]
}

/** The largest number of stack frames of this package between a user's call and the creation of an error. */
const OWN_FRAMES = 12

/**
 * Creates the error for a failure. The stack of the error has no frames of this package: V8 keeps only ten frames by
 * default, and frames of this package would leave too little room for the frames of the caller.
 */
export function errorFrom(failure: Failure, cause?: unknown): HightouchError {
  return withUserFrames(() => new errorClasses[failure.kind](failure, cause))
}

/**
 * Waits for work that several callers may share. V8 adds the frames of asynchronous callers to a stack only if there
 * is one caller, so an error of such work has no frames of the user. It gets the frames of this caller.
 */
export async function awaitShared<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw withFramesOfCaller(error)
  }
}

/** Replaces the stack of an error of this package by the stack of the caller, and returns the error. */
export function withFramesOfCaller(error: unknown): unknown {
  if (!(error instanceof HightouchError)) return error
  return withUserFrames(() => {
    Error.captureStackTrace(error)
    return error
  })
}

/** Captures the stack of an error without the frames of this package. */
function withUserFrames(capture: () => HightouchError): HightouchError {
  const limit = Error.stackTraceLimit
  Reflect.set(Error, 'stackTraceLimit', limit + OWN_FRAMES)
  const error = capture()
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
