/** Sets the environment variables of a world during a test, and gives the variables of the caller back. */

type Variables = Readonly<Record<string, string | undefined>>

/**
 * The environment variables that name a file of `hightouch-sandbox` or of `hightouch-sdk`. They stay set during a test;
 * all other `HIGHTOUCH_*` variables of the caller are removed.
 */
const FILES = ['HIGHTOUCH_SANDBOX', 'HIGHTOUCH_ADDON']

/** The variables from before each world whose environment is set, the newest world last. */
const replaced: { before: Variables }[] = []

/**
 * Replaces the `HIGHTOUCH_*` variables of this process.
 *
 * @returns A function that gives the replaced variables back. Such functions may be called in any order: a variable
 * that a newer world has replaced stays until the newer world gives it back.
 */
export function replaceEnvironment(variables: Variables): () => void {
  const own = { before: present() }
  replaced.push(own)
  setAll(variables)
  return () => {
    const index = replaced.indexOf(own)
    if (index < 0) return
    replaced.splice(index, 1)
    const newer = replaced[index]
    if (newer) newer.before = own.before
    else setAll(own.before)
  }
}

function present(): Variables {
  const names = Object.keys(process.env).filter(
    (name) => name.startsWith('HIGHTOUCH_') && !FILES.includes(name),
  )
  return Object.fromEntries(names.map((name) => [name, process.env[name]]))
}

function setAll(variables: Variables): void {
  // Assigning undefined to a variable would set it to the text "undefined".
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
  for (const name of Object.keys(present())) delete process.env[name]
  Object.assign(process.env, variables)
}
