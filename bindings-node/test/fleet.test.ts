/** Tests a rate limit that a Redis or Valkey server keeps for processes on any host. */

import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'

import * as sdk from 'hightouch-sdk'

import { eventually, ROOT, settingsOf, useSandbox } from './support.js'

const PASSWORD = 'hunter2-of-the-server'

/** Finds a free port. Linux gives none of these ports to connections, so the port is still free when a server starts. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000)
    const probe = createServer().listen(port, '127.0.0.1')
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    )
    probe.close()
    if (isFree) return port
  }
}

/** A Redis or Valkey server for one test. `make servers` installs the program. */
class Server implements AsyncDisposable {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'hightouch-server-'))
  readonly #child: ChildProcess
  readonly #port: number

  private constructor(program: string, port: number) {
    this.#port = port
    const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', this.#folder]
    const command = [...where, '--save', '', '--appendonly', 'no', '--requirepass', PASSWORD]
    this.#child = spawn(path.join(ROOT, 'build', 'servers', program), command, { stdio: 'ignore' })
  }

  static async start(program: string): Promise<Server> {
    const port = await freePort()
    const server = new Server(program, port)
    await eventually(async () => {
      const socket = connect(port, '127.0.0.1')
      return once(socket, 'connect').then(
        () => Boolean(socket.destroy()),
        () => false,
      )
    })
    return server
  }

  get url(): string {
    return `redis://:${PASSWORD}@127.0.0.1:${String(this.#port)}`
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
    rmSync(this.#folder, { recursive: true })
  }
}

describe('a limit that a server keeps', () => {
  const { sandbox, world } = useSandbox()

  for (const program of ['redis-server', 'valkey-server']) {
    test(`is shared by the processes that name the same ${program}`, async () => {
      await using server = await Server.start(program)
      const settings = { ...settingsOf(sandbox, await world()), limitScope: server.url }
      await using ht = new sdk.Hightouch(settings)
      await ht.syncs.get(1)
      const script = `
        const ht = new (require('hightouch-sdk').Hightouch)(${JSON.stringify(settings)})
        const end = Date.now() + 120_000
        const look = async () => {
          const { scope, members } = await ht.stats()
          if (members === 2 || Date.now() > end) console.log(scope, members)
          else setTimeout(look, 20)
        }
        ht.syncs.get(1).then(look)`
      const child = spawn(process.execPath, ['-e', script], {
        cwd: path.join(ROOT, 'bindings-node'),
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [out] = (await once(child.stdout, 'data')) as [Buffer]
      assert.equal(out.toString(), 'fleet 2\n')
      const stats = await eventually(async () => {
        const now = await ht.stats()
        return now.members === 2 && now
      })
      assert.deepEqual([stats.scope, stats.fallback, stats.waitingTotal], ['fleet', null, 0])
    })
  }

  test('is told to hooks and subscribers when it is not shared any more, and when it is again', async () => {
    await using server = await Server.start('redis-server')
    const [hooks, channel]: sdk.ScopeChange[][] = [[], []]
    const listener = (message: unknown): void => {
      channel?.push(...((message as sdk.CallContext).result?.scopeChanges ?? []))
    }
    await using ht = new sdk.Hightouch({
      ...settingsOf(sandbox, await world()),
      limitScope: server.url,
      onEnd: ({ meta }) => hooks?.push(...(meta?.scopeChanges ?? [])),
    })
    subscribe('tracing:hightouch-sdk:call:asyncEnd', listener)
    // On a busy machine an answer of the server may be late, which counts as a change. Waits for a call without one.
    do {
      for (const changes of [hooks, channel]) changes?.splice(0)
      await eventually(async () => (await ht.stats()).scope === 'fleet')
      await ht.syncs.get(1)
    } while (hooks?.length !== 0)
    server.kill('SIGSTOP')
    await ht.syncs.get(1)
    const { scope, members, fallback } = await ht.stats()
    assert.deepEqual([scope, members], ['process', null])
    assert.match(String(fallback), /^the server that keeps the limit cannot be used: it did not answer/)
    server.kill('SIGCONT')
    await eventually(async () => (await ht.stats()).scope === 'fleet')
    await ht.syncs.get(1)
    unsubscribe('tracing:hightouch-sdk:call:asyncEnd', listener)
    assert.deepEqual(hooks, [{ scope: 'process', fallback }, { scope: 'fleet' }])
    assert.deepEqual(channel, hooks)
  })

  test('does not show the password of the server', async () => {
    await using server = await Server.start('redis-server')
    await using ht = new sdk.Hightouch({ ...settingsOf(sandbox, await world()), limitScope: server.url })
    await ht.syncs.get(1)
    const shown = [ht, await ht.stats(), await ht.diagnose()]
    const text = inspect(shown, { depth: null, showHidden: true }) + JSON.stringify(shown)
    assert.equal(text.includes(PASSWORD), false, text)
    for (const limitScope of [`redis://:${PASSWORD}@host:port`, PASSWORD]) {
      assert.throws(
        () => new sdk.Hightouch({ apiKey: 'k', limitScope }),
        (error: unknown) => {
          assert(error instanceof sdk.ConfigError, inspect(error))
          assert.match(error.message, /The setting `limitScope` .*Redis server/)
          return !inspect(error).includes(PASSWORD)
        },
      )
    }
  })
})
