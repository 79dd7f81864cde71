/** Compares a value with what a scenario expects: objects by the expected members, arrays element by element. */

import { isDeepStrictEqual } from 'node:util'

import type { JsonValue } from 'hightouch-sdk'

/** Returns the differences, one text each. With `anyText`, `"..."` in `expected` matches any value but null. */
export function complaints(
  expected: JsonValue,
  actual: JsonValue | undefined,
  anyText = false,
  at = '$',
): string[] {
  if (expected === null) return actual == null ? [] : [`${at}: ${show(actual)} should be absent or null`]
  if (anyText && expected === '...') return actual == null ? [`${at} is missing`] : []
  if (Array.isArray(expected)) {
    const fits = Array.isArray(actual) && matches(expected, actual, anyText)
    return fits ? [] : [`${at}: ${show(actual)} is not ${show(expected)}`]
  }
  if (typeof expected === 'object') {
    if (actual == null || typeof actual !== 'object' || Array.isArray(actual))
      return [`${at}: ${show(actual)} is not an object`]
    return Object.entries(expected).flatMap(([name, value]) =>
      complaints(value, actual[name], anyText, `${at}.${name}`),
    )
  }
  return isDeepStrictEqual(expected, actual) ? [] : [`${at}: ${show(actual)} is not ${show(expected)}`]
}

/** Compares element by element. The element `"..."` matches any number of elements. */
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
