/** Tells the clients of this process how many times faster than real time their world runs: its time scale. */

/**
 * The package `hightouch-sdk` reads this global variable. A variable of a module would not be shared, because Jest can
 * load a module several times.
 */
const SCALES = Symbol.for('hightouch-sdk.timeScales')

/** Makes the pauses of clients with this base URL `timeScale` times shorter; `undefined` removes the time scale. */
export function setTimeScale(baseUrl: string, timeScale: number | undefined): void {
  const holder = globalThis as unknown as Record<symbol, Map<string, number> | undefined>
  const scales = (holder[SCALES] ??= new Map<string, number>())
  if (timeScale === undefined) scales.delete(baseUrl)
  else scales.set(baseUrl, timeScale)
}
