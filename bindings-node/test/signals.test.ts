/** Sends signals to the program in docs/runs.md that stops its batch when a signal arrives. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { Hightouch } from 'hightouch-sdk'

import { logOf, ROOT, useSandbox } from './support.js'

/** Writes the example to a file in the package, so that the example can import the package by its name. */
function example(): string {
  const page = readFileSync(path.join(ROOT, 'docs', 'runs.md'), 'utf8')
  const blocks = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code)
  const [code, ...others] = blocks.filter((block) => block.includes('SIGTERM'))
  assert(code !== undefined && others.length === 0)
  const folder = path.join(__dirname, 'signals')
  mkdirSync(folder, { recursive: true })
  const file = path.join(folder, 'example.mjs')
  writeFileSync(file, code)
  return file
}

describe('a signal', () => {
  const { sandbox, world } = useSandbox()
  const file = example()

  for (const [name, status] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    test(`stops the batch, and the program says which runs go on: ${name}`, async () => {
      const home = await world({
        syncs: 8,
        pastRuns: 0,
        slugs: ['orders-to-salesforce'],
        runs: { seconds: 100_000 },
      })
      const env = { ...process.env, HIGHTOUCH_API_KEY: home.apiKey, HIGHTOUCH_BASE_URL: home.httpBaseUrl }
      const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] })
      let said = ''
      child.stdout.on('data', (part: Buffer) => (said += part.toString()))
      const triggers = async (): Promise<number> =>
        (await logOf(sandbox, home)).filter(({ operation }) => operation.startsWith('TriggerRun')).length
      while ((await triggers()) < 3) await sleep(20)
      child.kill(name)
      assert.deepEqual(await once(child, 'close'), [status, null])
      const lines = said.split('\n').filter((line) => line.startsWith('The run goes on.'))
      assert.equal(lines.length, 3, said)
      await using ht = new Hightouch({ apiKey: home.apiKey, baseUrl: home.httpBaseUrl })
      const runs = await Promise.all(lines.map((line) => ht.run(line.split(' ').at(-1) ?? '')))
      assert.deepEqual(runs.map(({ id }) => id).sort(), [9001, 9002, 9003], said)
      assert.match(said, /run 900\d of sync (7|8|"orders-to-salesforce") was in progress/)
      assert.equal(await triggers(), 3)
    })
  }
})
