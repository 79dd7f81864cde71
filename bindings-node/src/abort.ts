/** What an `AbortSignal` does to a call. */

/**
 * Waits for `work`; when `signal` is raised first, calls `stop` and rejects with the signal's reason.
 * The listener is gone once either has happened, and the signal's own `onabort` is left alone.
 */
export function abortable<T>(work: Promise<T>, signal: AbortSignal, stop: () => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      stop()
      // Whatever the caller chose as a reason, as `fetch` does.
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort)
    })
  })
}
