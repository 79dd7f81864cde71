/** Calls the user's key function when the core needs an API key. */

import { AsyncLocalStorage } from 'node:async_hooks'

/** A function that returns the API key. A client calls it before the first request, and after each refusal (401). */
export type ApiKeyFunction = () => string | Promise<string>

/**
 * Set inside a key function, and in asynchronous work that the function starts. Calls are refused while `active` is
 * true. It becomes false when the function has returned, because work that goes on afterwards is allowed to make calls.
 */
const running = new AsyncLocalStorage<{ active: boolean }>()

/**
 * Whether the caller runs inside a key function. A call that the function makes could wait for the very key that the
 * function is to return.
 */
export function isInKeyFunction(): boolean {
  return running.getStore()?.active ?? false
}

/**
 * Calls the key function each time that the core wants a key, and passes the key to the core. Returns once the client
 * is closed or garbage-collected.
 */
export async function serveKeys(
  keyFunction: ApiKeyFunction,
  send: (op: string, args?: object) => Promise<unknown>,
  onFailure: (thrown: unknown) => void,
): Promise<void> {
  const isKeyWanted = (): Promise<boolean> =>
    send('client.keyWanted').then(
      () => true,
      () => false,
    )
  while (await isKeyWanted()) {
    try {
      await send('client.setKey', { apiKey: await callKeyFunction(keyFunction) })
    } catch (thrown) {
      onFailure(thrown)
      await send('client.keyFailed', { message: describe(thrown) }).catch(() => undefined)
    }
  }
}

async function callKeyFunction(keyFunction: ApiKeyFunction): Promise<string> {
  const state = { active: true }
  try {
    const key: unknown = await running.run(state, keyFunction)
    // The message shows only the type, because the value may be a key.
    if (typeof key !== 'string') {
      throw new TypeError(
        `The key function must return a string, but it returned a value of type ${typeof key}.`,
      )
    }
    return key
  } finally {
    state.active = false
  }
}

/** Converts a thrown value of any type to text. */
function describe(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return 'The key function threw a value that has no text.'
  }
}
