/** Calls the user's key function when the core needs an API key. */

import { AsyncLocalStorage } from 'node:async_hooks'

/** Returns the API key. Called before the first request, and again when the server refuses the key (401). */
export type ApiKeyFunction = () => string | Promise<string>

/** Set while a key function runs. What the function leaves running after it has returned may make calls again. */
const running = new AsyncLocalStorage<{ active: boolean }>()

/** Whether the caller runs inside a key function. A call from there could wait for the key that it is to return. */
export function isInKeyFunction(): boolean {
  return running.getStore()?.active ?? false
}

/** Passes keys to the core until the client is closed or garbage-collected. */
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
    // The message names the type alone: the value may be a key.
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

/** Converts to text what a function threw, which may be anything. */
function describe(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return 'The key function threw a value that has no text.'
  }
}
