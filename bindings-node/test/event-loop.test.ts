/** The event loop of a JavaScript thread does the I/O of the thread's calls. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { describe, test } from 'node:test'

import { run as runScript, worker, type Ended } from './process.js'
import { nodes } from './project.js'
import { emptyFolder, eventually, logOf, settingsOf, useSandbox, type World } from './support.js'

const SYSTEM = process.platform !== 'linux' && 'on this system, a thread of the SDK does the I/O'

/** Defines `switches`, which returns how often the thread of the SDK has begun to wait, or was interrupted. */
const SWITCHES = `
  const fs = require('node:fs')
  const switches = () => {
    for (const task of fs.readdirSync('/proc/self/task')) {
      const status = fs.readFileSync('/proc/self/task/' + task + '/status', 'utf8')
      if (status.startsWith('Name:\\thightouch-sdk\\n')) {
        return [...status.matchAll(/ctxt_switches:\\t(\\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0)
      }
    }
    return 0
  }
`

/** Lets the package believe that it runs in Electron, where a thread of the SDK does the I/O. */
const ELECTRON = `Object.defineProperty(process, 'versions', { value: { ...process.versions, electron: '40.0.0' } });`

/** Returns the number that a script has printed. */
function printed({ code, out }: Ended): number {
  assert.equal(code, 0)
  assert.match(out, /^-?\d+\n$/)
  return Number(out)
}

/** Blocks the thread. The argument is a time in milliseconds. */
const BLOCK = 'const block = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);'

describe('an event loop that does the I/O', { skip: SYSTEM, concurrency: 2 }, () => {
  const { sandbox, world } = useSandbox()
  const run = (home: World, script: string, options?: Parameters<typeof runScript>[2]): Promise<Ended> =>
    runScript(settingsOf(sandbox, home), script, options)

  const count = `${SWITCHES}
    const ht = new Hightouch(settings)
    await ht.syncs.get(1)
    const before = switches()
    for (let i = 0; i < 50; i++) await ht.syncs.get(1)
    console.log(switches() - before)`

  test('wakes no other thread for a call', async () => {
    const switches = printed(await run(await world(), count))
    // The thread checks twice a second that the event loop is not blocked.
    assert(switches < 25, `the thread of the SDK ran ${String(switches)} times during 50 calls`)
  })

  test('leaves the I/O to a thread in other runtimes', async () => {
    const switches = printed(await run(await world(), ELECTRON + count))
    assert(switches >= 50, `the thread of the SDK ran ${String(switches)} times during 50 calls`)
  })

  test('does the I/O of several copies of the package', async () => {
    const script = `${SWITCHES}
      const copies = [Hightouch]
      for (let i = 0; i < 2; i++) {
        delete require.cache[require.resolve('hightouch-sdk')]
        copies.push(require('hightouch-sdk').Hightouch)
      }
      const clients = copies.map((Copy) => new Copy(settings))
      const get = () => Promise.all(clients.map((ht) => ht.syncs.get(1)))
      await get()
      const before = switches()
      for (let i = 0; i < 20; i++) for (const ht of clients) await ht.syncs.get(1)
      for (let i = 0; i < 20; i++) await get()
      if (new Set(copies).size !== 3) throw new Error('these are not three copies')
      console.log(switches() - before)`
    const switches = printed(await run(await world(), script))
    assert(switches < 25, `the thread of the SDK ran ${String(switches)} times`)
  })

  for (const how of ['as soon as the call was made', 'in the middle of the call'] as const) {
    test(`does not hold up a call if it is blocked ${how}`, async () => {
      const home = await world({ script: [{ when: {}, answer: { delayMs: 100 } }] })
      // The event loop is blocked until this file exists.
      const go = path.join(emptyFolder(), 'go')
      const script = `${BLOCK}
        const ht = new Hightouch(settings)
        const call = ht.syncs.get(1)
        await ${how === 'in the middle of the call' ? 'new Promise((done) => setTimeout(done, 50))' : 'null'}
        const fs = require('node:fs')
        fs.writeSync(1, 'blocked\\n')
        while (!fs.existsSync(${JSON.stringify(go)})) block(50)
        console.log((await call).id, (await ht.syncs.get(2)).id)`
      let written = ''
      const onOutput = (out: string): void => void (written = out)
      const ended = run(home, script, { onOutput })
      try {
        await eventually(() => Promise.resolve(written === 'blocked\n'))
        await eventually(async () => (await logOf(sandbox, home)).some(({ status }) => status === 200))
      } finally {
        writeFileSync(go, '')
      }
      assert.deepEqual(await ended, { code: 0, out: 'blocked\n1 2\n' })
    })
  }

  /** If a write were sent on a connection that the server has closed, the client might not know its outcome. */
  test('notices that connections were closed while it was blocked', async () => {
    const closed = path.join(emptyFolder(), 'closed')
    writeFileSync(closed, '')
    const server = createServer((request, response) => {
      response.end('{}')
      // The script goes on only once the connection is closed, which may take long on a busy machine.
      setTimeout(() => {
        request.socket.end(() => {
          appendFileSync(closed, '.')
        })
      }, 100)
    })
    let requests = 0
    let connections = 0
    server.on('request', () => (requests += 1)).on('connection', () => (connections += 1))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const baseUrl = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
    const script = `${BLOCK}
      const fs = require('node:fs')
      const ht = new Hightouch(settings)
      for (let i = 1; i <= 5; i++) {
        await ht.request('POST', '/x', { body: {} })
        while (fs.statSync(${JSON.stringify(closed)}).size < i) block(50)
        block(200)
      }`
    const settings = { apiKey: 'key', baseUrl, environment: {}, maxRetries: 0 }
    try {
      assert.deepEqual(await runScript(settings, script), { code: 0, out: '' })
      assert.deepEqual({ requests, connections }, { requests: 5, connections: 5 })
    } finally {
      server.close()
    }
  })

  test('makes 100 calls at once', async () => {
    const script = `const ht = new Hightouch(settings)
      const syncs = await Promise.all(Array.from({ length: 100 }, (_, nth) => ht.syncs.get(nth + 1)))
      console.log(syncs.every(({ id }, nth) => id === nth + 1))`
    assert.deepEqual(await run(await world({ syncs: 100 }), script), { code: 0, out: 'true\n' })
  })

  test('can close its clients and make new ones, and leaves nothing behind', async () => {
    const script = `
      const fs = require('node:fs')
      // The addon watches a descriptor of epoll.
      const isWatched = (fd) => {
        try {
          return fs.readlinkSync('/proc/self/fd/' + fd) === 'anon_inode:[eventpoll]'
        } catch {
          return false
        }
      }
      const watched = []
      for (let i = 0; i < 40; i++) {
        const ht = new Hightouch(settings)
        // After this line, no client is open for a moment.
        await Promise.all([ht.syncs.get(1), ht.close()]).catch(() => {})
        const next = new Hightouch(settings)
        if ((await next.syncs.get(2)).id !== 2) throw new Error('wrong')
        await next.close()
        await new Promise(setImmediate)
        watched.push(fs.readdirSync('/proc/self/fd').filter(isWatched).length)
      }
      console.log(watched.at(-1) - watched[9])`
    const more = printed(await run(await world({ syncs: 3 }), script))
    assert(more < 5, `${String(more)} more descriptors are watched than after the tenth client`)
  })

  test('works in many workers and the main thread at the same time', async () => {
    const script = `
      const work = Array.from({ length: 6 }, (_, nth) => new Promise((resolve, reject) => {
        const worker = ${worker(`
          const ht = new Hightouch(settings)
          let sum = 0
          for (let i = 0; i < 8; i++) {
            const some = await Promise.all([1, 2, 3].map((id) => ht.syncs.get(id)))
            for (const { id } of some) sum += id
          }
          parentPort.postMessage(sum)`)}
        worker.once('message', resolve).once('error', reject)
      }))
      const ht = new Hightouch(settings)
      for (let i = 0; i < 30; i++) await ht.syncs.get(1)
      console.log((await Promise.all(work)).join())`
    const wide = { requests: 1000, seconds: 10 }
    const home = await world({ syncs: 3, limit: wide })
    const settings = { ...settingsOf(sandbox, home), limit: [wide.requests, wide.seconds] }
    assert.deepEqual(await runScript(settings, script), { code: 0, out: '48,48,48,48,48,48\n' })
  })

  /** Each event of the I/O would otherwise wake all event loops. */
  test('leaves the I/O to a thread while several threads have calls, and does it again afterwards', async () => {
    const script = `${SWITCHES}
      const { once } = require('node:events')
      const workers = Array.from({ length: 6 }, () => ${worker(`
        const fs = require('node:fs')
        const waits = () => Number(/^voluntary_ctxt_switches:\\t(\\d+)/m.exec(fs.readFileSync('/proc/thread-self/status', 'utf8'))[1])
        const ht = new Hightouch(settings)
        const calls = async (count) => {
          for (let i = 0; i < count; i++) await ht.syncs.get(1)
        }
        await calls(5)
        parentPort.postMessage('ready')
        await new Promise((resolve) => parentPort.once('message', resolve))
        await calls(20)
        const before = waits()
        await calls(100)
        const woken = waits() - before
        await calls(20)
        parentPort.postMessage(woken)`)})
      const messages = () => Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]))
      await messages()
      const woken = messages()
      for (const worker of workers) worker.postMessage('begin')
      const most = Math.max(...(await woken))
      await new Promise((resolve) => setTimeout(resolve, 1200))
      const ht = new Hightouch(settings)
      for (let i = 0; i < 5; i++) await ht.syncs.get(1)
      const before = switches()
      for (let i = 0; i < 50; i++) await ht.syncs.get(1)
      console.log(JSON.stringify({ most, switches: switches() - before }))`
    const wide = { requests: 100_000, seconds: 10 }
    const home = await world({ limit: wide })
    const settings = { ...settingsOf(sandbox, home), limit: [wide.requests, wide.seconds] }
    const { code, out } = await runScript(settings, script)
    assert.equal(code, 0)
    const found = JSON.parse(out) as { most: number; switches: number }
    // On a busy machine, a thread is woken 164 to 194 times; if each event wakes all event loops, 363 to 457 times.
    assert(found.most < 280, `a thread was woken ${String(found.most)} times during 100 calls`)
    assert(found.switches < 25, `the thread of the SDK ran ${String(found.switches)} times during 50 calls`)
  })

  test('does not wake a thread without calls', async () => {
    const script = `
      const fs = require('node:fs')
      const ht = new Hightouch(settings)
      await ht.syncs.get(1)
      const switches = () =>
        Number(/^voluntary_ctxt_switches:\\t(\\d+)/m.exec(fs.readFileSync('/proc/self/task/' + process.pid + '/status', 'utf8'))[1])
      const worker = ${worker(`
        const ht = new Hightouch(settings)
        await ht.syncs.get(1)
        parentPort.postMessage('begins')
        for (let i = 0; i < 50; i++) await ht.syncs.get(1)
        parentPort.postMessage('ends')`)}
      const message = () => new Promise((resolve) => worker.once('message', resolve))
      await message()
      const before = switches()
      await message()
      console.log(switches() - before)`
    const switches = printed(await run(await world(), script))
    assert(switches < 25, `the thread without calls ran ${String(switches)} times`)
  })

  for (const node of nodes()) {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
    const home = (wanted?: object): Promise<World> => world({ syncs: 3, ...wanted })

    test(`survives workers that end in the middle of calls, on Node ${version}`, async () => {
      const script = `
        const { once } = require('node:events')
        const ht = new Hightouch(settings)
        let busy = true
        const own = (async () => {
          while (busy) await ht.syncs.get(1)
        })()
        const lived = async (nth) => {
          const worker = ${worker(`
            const ht = new Hightouch(settings)
            parentPort.once('message', () => process.exit())
            parentPort.postMessage('runs')
            for (;;) await Promise.all([1, 2].map((id) => ht.syncs.get(id)))`)}
          await once(worker, 'message')
          await new Promise((resolve) => setTimeout(resolve, (nth * 7) % 50))
          const ended = once(worker, 'exit')
          if (nth % 3 === 0) worker.postMessage('end'); else worker.terminate()
          await ended
        }
        for (let nth = 0; nth < 50; nth += 5) await Promise.all([0, 1, 2, 3, 4].map((more) => lived(nth + more)))
        busy = false
        await own
        console.log('survived')`
      const wide = { requests: 100_000, seconds: 10 }
      const { apiKey, httpBaseUrl } = await home({ limit: wide })
      const settings = {
        apiKey,
        baseUrl: httpBaseUrl,
        limit: [wide.requests, wide.seconds],
        limitScope: 'process',
        environment: {},
      }
      assert.deepEqual(await runScript(settings, script, { node }), { code: 0, out: 'survived\n' })
    })

    test(`ends with process.exit after a call, in the main thread and in a worker, on Node ${version}`, async () => {
      const script = `
        const worker = ${worker(`
          const ht = new Hightouch(settings)
          ht.syncs.get(2).catch(() => {})
          await ht.syncs.get(1)
          process.exit(4)`)}
        console.log(await new Promise((resolve) => worker.once('exit', resolve)))
        const ht = new Hightouch(settings)
        ht.syncs.get(2).catch(() => {})
        await ht.syncs.get(1)
        process.exit(3)`
      assert.deepEqual(await run(await home(), script, { node }), { code: 3, out: '4\n' })
    })

    test(`reports what is thrown after a call as uncaught, on Node ${version}`, async () => {
      const script = `
        const ht = new Hightouch(settings)
        const caught = []
        process.on('uncaughtException', (error) => caught.push('uncaught ' + error.message))
        process.on('unhandledRejection', (error) => caught.push('unhandled ' + error.message))
        await ht.syncs.get(1)
        process.nextTick(() => { throw new Error('tick') })
        process.nextTick(() => caught.push('next tick'))
        await ht.syncs.get(1)
        queueMicrotask(() => { throw new Error('microtask') })
        await ht.syncs.get(1)
        ht.syncs.get(1).then(() => { throw new Error('promise') })
        await ht.syncs.get(1)
        while (caught.length < 4) await new Promise((resolve) => setTimeout(resolve, 10))
        console.log((await ht.syncs.get(1)).id, caught.sort().join())`
      const out = '1 next tick,uncaught microtask,uncaught tick,unhandled promise\n'
      assert.deepEqual(await run(await home(), script, { node }), { code: 0, out })
      const uncaught = `
        const ht = new Hightouch(settings)
        process.on('exit', (code) => console.log('exit', code))
        await ht.syncs.get(1)
        console.error = () => {}
        process.stderr.write = () => true
        process.nextTick(() => { throw 'not an error' })
        await new Promise(() => setInterval(() => {}, 1000))`
      assert.deepEqual(await run(await home(), uncaught, { node }), { code: 1, out: 'exit 1\n' })
    })

    test(`leaves the context of the caller, on Node ${version}`, async () => {
      const script = `
        const hooks = require('node:async_hooks')
        const storage = new hooks.AsyncLocalStorage()
        let isHooked = false
        const ht = new Hightouch(settings)
        const get = async (name) => {
          for (let i = 0; i < 3; i++) {
            await ht.syncs.get(1)
            if (storage.getStore() !== name) throw new Error(name + ' became ' + storage.getStore())
            if (isHooked && hooks.executionAsyncId() === 0) throw new Error('there is no asynchronous context')
          }
        }
        const several = () => Promise.all(['a', 'b', 'c', undefined].map((name) => storage.run(name, get, name)))
        // The first call creates the bridge. The context of this call must not leak into other calls.
        await storage.run('first', get, 'first')
        await several()
        // Now each callback runs through the hooks.
        hooks.createHook({ init() {}, before() {}, after() {}, destroy() {} }).enable()
        hooks.executionAsyncResource()
        isHooked = true
        await several()
        // In the REPL, the name of each built-in module is a global variable.
        const domain = require('node:domain')
        globalThis.domain = domain
        const own = domain.create()
        await own.run(async () => {
          await ht.syncs.get(1)
          if (process.domain !== own) throw new Error('the domain was left')
        })
        await several()
        const thrown = new Promise((resolve) => own.once('error', resolve))
        own.run(() => void ht.syncs.get(1).then(() => process.nextTick(() => { throw new Error('in the domain') })))
        console.log((await thrown).message)`
      assert.deepEqual(await run(await home(), script, { node }), { code: 0, out: 'in the domain\n' })
    })
  }
})
