/** Requests that a world received. */

import { METHODS, type MethodName } from './methods.js'

/** A request that a world received, and how it was answered. */
export interface WorldRequest {
  /** The method that sends such requests, such as `syncs.trigger`; undefined if no method does. */
  method: MethodName | undefined
  /** The operation of the API, such as `TriggerRun`; undefined if the API has no such operation. */
  operation: string | undefined
  /** The HTTP method. */
  httpMethod: string
  /** The path below the base URL. */
  path: string
  /** The parameters of the query. A parameter that is repeated has an array. */
  query: Record<string, string | string[]>
  /** The JSON of the body; undefined if there is none. */
  // A test reads members of a body that it knows.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any
  /** The headers, with names in lower case and without the key. */
  headers: Record<string, string | string[]>
  /** The status of the answer; undefined if no answer was sent. */
  status: number | undefined
  /** When the request arrived, in the time of the world. */
  at: Date
  /** Whether the client went away before it had the whole answer. */
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

const names = Object.keys(METHODS) as MethodName[]

/** Several methods may send the same operation. The first one is the method of that name. */
function methodOf(operation: string | null): MethodName | undefined {
  return names.find((name) => operationsOf(name).some((one) => one === operation))
}

/** Returns a request from its entry in the log. */
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
 * @throws TypeError if there is no such method.
 */
export function operationsOf(method: MethodName): readonly string[] {
  if (Object.hasOwn(METHODS, method)) return METHODS[method]
  // A misspelt name usually has one part right.
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
