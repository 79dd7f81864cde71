/** The file of additional certificates that Node.js itself trusts. */

import { failureOf } from './failures.js'
import { loadNative } from './native.js'

/** Whether the core can use a file, by its path. Node.js too reads the file only once. */
const usable = new Map<string, boolean>()

/**
 * Returns the file that `NODE_EXTRA_CA_CERTS` names. Like Node.js, goes on without a file that cannot be used, and emits
 * a process warning.
 */
export function extraCertificates(): string | undefined {
  const file = process.env.NODE_EXTRA_CA_CERTS
  if (!file) return undefined
  const known = usable.get(file)
  const isUsable = known ?? check(file)
  usable.set(file, isUsable)
  return isUsable ? file : undefined
}

/**
 * Lets the core read the file. With `--permission`, JavaScript may read only some files, but Node.js itself and addons
 * may read all of them.
 */
function check(caBundle: string): boolean {
  const language = `node/${process.versions.node}`
  const settings = { apiKey: 'unused', caBundle, limitScope: 'process', environment: {}, language }
  const engine = loadNative().open(JSON.stringify(settings))
  if (typeof engine !== 'string') return true
  const why = failureOf(engine).message.replace('The setting `caBundle`', 'The variable NODE_EXTRA_CA_CERTS')
  process.emitWarning(
    `${why} The clients of hightouch-sdk go on without this file.`,
    'HightouchSettingWarning',
  )
  return false
}
