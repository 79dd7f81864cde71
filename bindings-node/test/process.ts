/** Runs scripts that use the package in processes of their own. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

const PACKAGE = path.resolve(__dirname, '..')
const HANG_MS = 300_000

/** How a process ended, and what it wrote to its standard output. */
export interface Ended {
  code: number | null
  out: string
}

/**
 * Runs `script` in a new process. The script can use `settings`, `Hightouch` and `node:worker_threads`.
 *
 * @param onOutput Is called with all output so far, whenever there is more.
 */
export async function run(
  settings: object,
  script: string,
  { node = process.execPath, onOutput }: { node?: string; onOutput?: (out: string) => void } = {},
): Promise<Ended> {
  const prelude = `
    const { Worker, isMainThread, workerData, parentPort } = require('node:worker_threads')
    const { Hightouch } = require('hightouch-sdk')
    const settings = ${JSON.stringify(settings)};
    (async () => {`
  const epilogue = `})().catch((error) => { console.error(error); process.exit(99) })`
  const child = spawn(node, ['-e', prelude + script + epilogue], {
    cwd: PACKAGE,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: HANG_MS,
  })
  let out = ''
  child.stdout.on('data', (part: Buffer) => {
    out += part.toString()
    onOutput?.(out)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out }
}

/** Returns the source that creates a worker. The worker runs `work` with its own copy of the package. */
export function worker(work: string): string {
  return `new Worker(
    "const { Hightouch } = require('hightouch-sdk'); const { workerData: settings, parentPort } = require('node:worker_threads');"
      + ${JSON.stringify(`(async () => { ${work} })()`)},
    { eval: true, workerData: settings })`
}
