import { strict as assert } from 'node:assert'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { ROOT, settingsOf, useSandbox } from './support.js'

const WINDOWS = process.platform === 'win32' && 'Windows has no limit of descriptors for a process'

describe('a process that may open no more files', { skip: WINDOWS }, () => {
  const { sandbox, world } = useSandbox()

  // Incident: the first call of a process starts a thread, and the thread needs file descriptors. If the process had
  // none left, the call threw an error of the addon.
  for (const [which, before] of [
    ['its first', ''],
    ['a later', 'await new Hightouch(settings).syncs.get(1)'],
  ] as const) {
    test(`says so in ${which} call, and makes calls once it may open files again`, async () => {
      const settings = { ...settingsOf(sandbox, await world()), limitScope: 'process', maxRetries: 0 }
      const script = `
        const fs = require('node:fs')
        const { Hightouch } = require('hightouch-sdk')
        const settings = ${JSON.stringify(settings)}
        const main = async () => {
          ${before}
          const ht = new Hightouch(settings)
          const held = []
          try {
            for (;;) held.push(fs.openSync('/dev/null'))
          } catch {}
          const { name, code, message } = await ht.syncs.get(1).catch((error) => error)
          for (const descriptor of held) fs.closeSync(descriptor)
          const { id } = await ht.syncs.get(1)
          process.stdout.write(JSON.stringify({ name, code, message, id }))
        }
        main()`
      const command = ['-c', 'ulimit -n 128 && exec "$0" -e "$1"', process.execPath, script]
      const { stdout } = await promisify(execFile)('/bin/sh', command, {
        cwd: path.join(ROOT, 'bindings-node'),
      })
      const { message, ...rest } = JSON.parse(stdout) as Record<string, unknown>
      assert.deepEqual(rest, { name: 'ConnectError', code: 'no_descriptors', id: 1 })
      assert.match(String(message), /^syncs\.get\(1\): .*too many open files.*\n.*`ulimit -n`\.$/)
    })
  }
})
