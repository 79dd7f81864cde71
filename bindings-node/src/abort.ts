/** What an `AbortSignal` does to a call. */

/**
 * What each signal stops. A signal has one listener of ours however many calls share it: with one for each,
 * Node warns of a leak at the eleventh.
 */
const stops = new WeakMap<AbortSignal, Set<() => void>>()

function stopAll(this: AbortSignal): void {
  const waiting = stops.get(this) ?? []
  stops.delete(this)
  for (const stop of waiting) stop()
}

function listen(signal: AbortSignal, stop: () => void): void {
  const waiting = stops.get(signal)
  if (waiting) {
    waiting.add(stop)
  } else {
    stops.set(signal, new Set([stop]))
    signal.addEventListener('abort', stopAll, { once: true })
  }
}

function unlisten(signal: AbortSignal, stop: () => void): void {
  const waiting = stops.get(signal)
  if (waiting?.delete(stop) && waiting.size === 0) {
    stops.delete(signal)
    signal.removeEventListener('abort', stopAll)
  }
}

/**
 * Waits for `work`; when `signal` is raised first, calls `stop` and rejects with the signal's reason.
 * Once either has happened nothing is left on the signal, whose own `onabort` is never touched.
 */
export function abortable<T>(work: Promise<T>, signal: AbortSignal, stop: () => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      stop()
      // Whatever the caller chose as a reason, as `fetch` does.
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      reject(signal.reason)
    }
    listen(signal, onAbort)
    const settle = <V>(how: (value: V) => void) => {
      return (value: V): void => {
        unlisten(signal, onAbort)
        how(value)
      }
    }
    work.then(settle(resolve), settle(reject))
  })
}
