/** How a scenario's expectation is compared: a subset of objects, lists element by element. */

import { isDeepStrictEqual } from 'node:util'

import type { JsonValue } from 'hightouch-sdk'

/** Where `actual` is not as `expected` says; `anyText` lets `"..."` stand for any member that is there. */
export function complaints(
  expected: JsonValue,
  actual: JsonValue | undefined,
  anyText = false,
  at = '$',
): string[] {
  if (expected === null) return actual == null ? [] : [`${at}: ${show(actual)} should be absent or null`]
  if (anyText && expected === '...') return actual == null ? [`${at} is not there`] : []
  if (Array.isArray(expected)) {
    const fits = Array.isArray(actual) && matches(expected, actual, anyText)
    return fits ? [] : [`${at}: ${show(actual)} is not ${show(expected)}`]
  }
  if (typeof expected === 'object') {
    if (actual == null || typeof actual !== 'object' || Array.isArray(actual))
      return [`${at}: ${show(actual)} is no object`]
    return Object.entries(expected).flatMap(([name, value]) =>
      complaints(value, actual[name], anyText, `${at}.${name}`),
    )
  }
  return isDeepStrictEqual(expected, actual) ? [] : [`${at}: ${show(actual)} is not ${show(expected)}`]
}

/** Element by element; the element `"..."` stands for any number of them. */
function matches(expected: JsonValue[], actual: JsonValue[], anyText: boolean): boolean {
  const [first, ...rest] = expected
  if (first === undefined) return actual.length === 0
  if (first === '...')
    return (
      matches(rest, actual, anyText) || (actual.length > 0 && matches(expected, actual.slice(1), anyText))
    )
  return (
    actual.length > 0 &&
    complaints(first, actual[0], anyText).length === 0 &&
    matches(rest, actual.slice(1), anyText)
  )
}

function show(value: JsonValue | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}
