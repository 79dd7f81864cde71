// Starts the sandbox, makes a workspace in it, and runs the example against it: demo.mjs SANDBOX FOLDER
// FOLDER is where the package was installed, as a user would have it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'

const [binary, folder] = process.argv.slice(2)
const example = 'trigger-and-wait.mjs'

const sandbox = spawn(binary, ['--exit-with-stdin'], { stdio: ['pipe', 'pipe', 'inherit'] })
try {
  const [line] = await once(createInterface(sandbox.stdout), 'line')
  const { httpUrl, ca } = JSON.parse(line)
  // At the pace of real time: the example is a user's program and knows nothing of scaled clocks.
  const wanted = {
    syncs: 250,
    slugs: ['orders-to-salesforce'],
    timeScale: 1,
    runs: {
      seconds: 6,
      queuedSeconds: 1,
      status: 'warning',
      error: '2 rows were rejected by the destination: INVALID_EMAIL_ADDRESS',
      rows: {
        planned: { added: 120, changed: 30, removed: 5 },
        successful: { added: 118, changed: 30, removed: 5 },
        failed: { added: 2, changed: 0, removed: 0 },
      },
    },
  }
  const answer = await fetch(`${httpUrl}/_worlds`, { method: 'POST', body: JSON.stringify(wanted) })
  if (!answer.ok) throw new Error(await answer.text())
  const world = await answer.json()

  await copyFile(path.join(import.meta.dirname, '..', 'examples', example), path.join(folder, example))
  const env = {
    ...process.env,
    HIGHTOUCH_BASE_URL: world.baseUrl,
    HIGHTOUCH_API_KEY: world.apiKey,
    HIGHTOUCH_DEMO_CA: ca,
    HIGHTOUCH_DEMO_SYNC: 'orders-to-salesforce',
  }
  const [code] = await once(
    spawn(process.execPath, [example], { cwd: folder, env, stdio: 'inherit' }),
    'exit',
  )
  process.exitCode = code ?? 1
} finally {
  sandbox.stdin.end()
  await once(sandbox, 'exit')
}
