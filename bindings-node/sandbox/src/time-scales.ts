/** Tells clients of this process how much faster than real time their world is. */

/** The package `hightouch-sdk` has the same symbol. Both may be loaded more than once, as in Jest. */
const SCALES = Symbol.for('hightouch-sdk.timeScales')

/** Sets how many times shorter the pauses of clients with a base URL are. */
export function setTimeScale(baseUrl: string, timeScale: number | undefined): void {
  const holder = globalThis as unknown as Record<symbol, Map<string, number> | undefined>
  const scales = (holder[SCALES] ??= new Map<string, number>())
  if (timeScale === undefined) scales.delete(baseUrl)
  else scales.set(baseUrl, timeScale)
}
