/** Requests that a world received. */

import type { Rule } from './checks.js'
import { METHODS, type MethodName } from './methods.js'

/** A request that a world received, and how it was answered. */
export interface WorldRequest {
  /** The method of a client that sends the operation, such as `syncs.trigger`; undefined if no method sends it. */
  method: MethodName | undefined
  /** The operation of the API, such as `TriggerRun`; undefined if the API has no such operation. */
  operation: string | undefined
  /** The HTTP method. */
  httpMethod: string
  /** The path below the base URL. */
  path: string
  /** The parameters of the query, each with its value, or with an array of values if the parameter is repeated. */
  query: Record<string, string | string[]>
  /** The JSON of the body; undefined if there is none. */
  // The type is `any`, so that a test can read members without a cast.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any
  /** The headers, with names in lower case and without the API key. */
  headers: Record<string, string | string[]>
  /** The status of the answer; undefined if no answer was sent. */
  status: number | undefined
  /** When the request arrived, in the time of the world. */
  at: Date
  /** Whether the client closed the request before the whole answer had arrived. */
  abandoned: boolean
}

/** An entry of the log as the server sends it. */
export interface LogEntry {
  operation: string | null
  method: string
  path: string
  query: Record<string, string | string[]>
  body: unknown
  headers: Record<string, string | string[]>
  status: number | null
  at: string
  gone_ms?: number
}

/** The rule for the name of a method. {@link operationsOf} checks whether a client has this method. */
export const METHOD: Rule = [
  "the name of a method, such as 'syncs.trigger'",
  (value) => typeof value === 'string',
]

const names = Object.keys(METHODS) as MethodName[]

/**
 * Returns the first method in `METHODS` that sends an operation. Methods without an operation of their own, such as
 * `syncs.run`, are last in `METHODS`.
 */
function methodOf(operation: string | null): MethodName | undefined {
  return names.find((name) => METHODS[name].some((one) => one === operation))
}

/** Converts an entry of the log to a request. */
export function requestOf(entry: LogEntry): WorldRequest {
  const headers = { ...entry.headers }
  delete headers.authorization
  return {
    method: methodOf(entry.operation),
    operation: entry.operation ?? undefined,
    httpMethod: entry.method,
    path: entry.path,
    query: entry.query,
    body: entry.body ?? undefined,
    headers,
    status: entry.status ?? undefined,
    at: new Date(entry.at),
    abandoned: entry.gone_ms !== undefined,
  }
}

/**
 * Returns the operations that a method sends.
 *
 * @throws TypeError if a client has no method with this name.
 */
export function operationsOf(method: MethodName): readonly string[] {
  if (Object.hasOwn(METHODS, method)) return METHODS[method]
  // In a misspelt name, the part before or after the dot is usually right.
  const parts = plain(method).split('.')
  const near = names.filter((name) => {
    const wanted = plain(name).split('.')
    return wanted.join('') === parts.join('') || wanted[1] === parts[1]
  })
  const resource = names.filter((name) => plain(name).split('.')[0] === parts[0])
  const known = near.length > 0 ? near : resource.length > 0 ? resource : names
  throw new TypeError(`A client has no method '${method}'. Did you mean ${known.join(', ')}?`)
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll('_', '')
}
