/** Tells the clients of this process how much faster than real time the time in their world passes. */

/** The package `hightouch-sdk` reads the same global variable, however often Jest loads either package. */
const SCALES = Symbol.for('hightouch-sdk.timeScales')

/** Makes the pauses of clients with this base URL `timeScale` times shorter; `undefined` undoes this. */
export function setTimeScale(baseUrl: string, timeScale: number | undefined): void {
  const holder = globalThis as unknown as Record<symbol, Map<string, number> | undefined>
  const scales = (holder[SCALES] ??= new Map<string, number>())
  if (timeScale === undefined) scales.delete(baseUrl)
  else scales.set(baseUrl, timeScale)
}
