/** A key that a function gives: the core says when it wants one. */

import { AsyncLocalStorage } from 'node:async_hooks'

/** Gives the API key: asked before the first call, and again when the server refuses the key that it gave. */
export type ApiKeyFunction = () => string | Promise<string>

/** What runs inside a key function, until that has answered; what it leaves running is a caller like any other. */
const inside = new AsyncLocalStorage<{ asked: boolean }>()

/** Whether the caller runs inside a key function: what it calls may wait for the very key that it is to give. */
export function isInKeyFunction(): boolean {
  return inside.getStore()?.asked ?? false
}

/** Answers the core whenever it wants a key. Ends when the client is closed, or when nobody holds it any more. */
export async function giveKeys(
  give: ApiKeyFunction,
  send: (op: string, args?: object) => Promise<unknown>,
  onFailure: (thrown: unknown) => void,
): Promise<void> {
  const wanted = (): Promise<boolean> =>
    send('client.keyWanted').then(
      () => true,
      () => false,
    )
  while (await wanted()) {
    try {
      await send('client.setKey', { apiKey: await ask(give) })
    } catch (thrown) {
      onFailure(thrown)
      await send('client.keyFailed', { message: told(thrown) }).catch(() => undefined)
    }
  }
}

async function ask(give: ApiKeyFunction): Promise<string> {
  const running = { asked: true }
  try {
    const key: unknown = await inside.run(running, give)
    // JavaScript may call with anything, and what it is may be a key.
    if (typeof key !== 'string') throw new TypeError(`A value of type ${typeof key} is no API key.`)
    return key
  } finally {
    running.asked = false
  }
}

/** Type and text of what a function threw, which may be anything. */
function told(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return 'It threw something that has no text.'
  }
}
