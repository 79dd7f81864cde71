import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { Hightouch } from 'hightouch-sdk'

import { run as runScript, worker, type Ended } from './process.js'
import { eventually, logOf, settingsOf, useSandbox, type World } from './support.js'

/** The addon has a threadsafe function, and a second one if the event loop does not do the I/O. */
const HANDLES = process.platform === 'linux' ? 1 : 2

describe('a process', { concurrency: 2 }, () => {
  const { sandbox, world } = useSandbox()
  const hanging = { script: [{ when: {}, answer: { hang: true }, times: 1000 }] }

  const run = (home: World, script: string): Promise<Ended> => runScript(settingsOf(sandbox, home), script)

  test('ends after its last call, although the client was not closed', async () => {
    const home = await world({ script: [{ when: {}, answer: { delayMs: 300 } }] })
    const script = `const ht = new Hightouch(settings)
      ht.syncs.list().then((page) => console.log(page.data.length))`
    assert.deepEqual(await run(home, script), { code: 0, out: '3\n' })
  })

  test('ends after its last call was aborted', async () => {
    const home = await world(hanging)
    const script = `const ht = new Hightouch(settings)
      await ht.syncs.list({}, { signal: AbortSignal.timeout(200) }).catch((error) => console.log(error.name))`
    assert.deepEqual(await run(home, script), { code: 0, out: 'TimeoutError\n' })
  })

  test('ends although a batch is in progress, if nobody waits for it any more', async () => {
    const home = await world({ runs: { seconds: 360_000 } })
    const script = `const ht = new Hightouch(settings)
      const batch = await ht.syncs.runMany([1, 2])
      await Promise.all([
        batch.wait({ timeoutMs: 100 }).catch((error) => console.log(error.name)),
        batch.wait({ timeoutMs: 300 }).catch((error) => console.log(error.name)),
      ])`
    assert.deepEqual(await run(home, script), { code: 0, out: 'WaitTimeoutError\nWaitTimeoutError\n' })
  })

  test('ends although a client with a key function is open, and waits for a key function that is slow', async () => {
    const home = await world()
    const script = `const late = () => new Promise((resolve) => setTimeout(resolve, 300, settings.apiKey))
      new Hightouch({ ...settings, apiKey: late })
      const ht = new Hightouch({ ...settings, apiKey: late })
      ht.syncs.list().then((page) => console.log(page.data.length))`
    assert.deepEqual(await run(home, script), { code: 0, out: '3\n' })
  })

  /** Incident: `jest --detectOpenHandles` listed a handle for each file of tests, although its clients were closed. */
  test('has no handle once its clients are closed, and makes a new one for the next call', async () => {
    const home = await world()
    const script = `const open = new Set()
      const init = (id, type) => type.startsWith('napi') && open.add(id)
      require('node:async_hooks').createHook({ init, destroy: (id) => open.delete(id) }).enable()
      const apiKey = () => settings.apiKey
      const clients = [new Hightouch(settings), new Hightouch({ ...settings, apiKey })]
      for (const ht of clients) await ht.syncs.list()
      console.log(open.size)
      await clients[0].close()
      await clients[1].syncs.list()
      console.log(open.size)
      await clients[1].close()
      while (open.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
      console.log(open.size)
      await clients[0].syncs.list().catch((error) => console.log(error.name))
      const third = new Hightouch(settings)
      await Promise.all([third.syncs.list(), third.close(), third.close()]).catch((error) => console.log(error.name))
      while (open.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
      console.log((await new Hightouch(settings).syncs.list()).data.length)`
    const out = `${String(HANDLES)}\n${String(HANDLES)}\n0\nClosedError\nClosedError\n3\n`
    assert.deepEqual(await run(home, script), { code: 0, out })
  })

  test('ends at once on process.exit with calls in flight', async () => {
    const home = await world(hanging)
    const script = `const ht = new Hightouch(settings)
      for (let i = 0; i < 20; i++) ht.request('GET', '/syncs').catch(() => {})
      setTimeout(() => process.exit(7), 300)`
    assert.deepEqual(await run(home, script), { code: 7, out: '' })
  })

  test('ends the calls of a worker that ends', async () => {
    const home = await world(hanging)
    const script = `
      const log = ${JSON.stringify(`${sandbox.httpUrl}/_worlds/${home.id}/log`)}
      const received = async () => (await (await fetch(log)).json()).requests.length
      for (const [nth, how] of ['exit', 'terminate', 'exit', 'terminate'].entries()) {
        const worker = ${worker(`
          const ht = new Hightouch(settings)
          for (let i = 0; i < 5; i++) ht.request('GET', '/syncs').catch(() => {})
          parentPort.once('message', () => process.exit(3))`)}
        while ((await received()) < 5 * (nth + 1)) await new Promise((resolve) => setTimeout(resolve, 10))
        const ended = new Promise((resolve) => worker.once('exit', resolve))
        if (how === 'exit') worker.postMessage('end'); else await worker.terminate()
        console.log(await ended)
      }
      const ht = new Hightouch(settings)
      console.log((await ht.stats()).refused)
      await new Promise((resolve) => setTimeout(resolve, 500))`
    const { code, out } = await run(home, script)
    assert.deepEqual({ code, out }, { code: 0, out: '3\n1\n3\n1\n0\n' })
    await eventually(async () => {
      const log = await logOf(sandbox, home)
      return log.length > 0 && log.every(({ gone_ms }) => gone_ms !== undefined)
    })
  })

  test('can use the package in one worker after another', async () => {
    const home = await world()
    const script = `for (let i = 0; i < 3; i++) {
      const worker = ${worker(`
        const ht = new Hightouch(settings)
        parentPort.postMessage((await ht.syncs.list()).data.length)`)}
      worker.on('message', (n) => console.log(n))
      await new Promise((resolve) => worker.once('exit', resolve))
    }`
    // A thread loads the addon when it creates its first client. The main thread creates none, so only workers load it.
    assert.deepEqual(await run(home, script), { code: 0, out: '3\n3\n3\n' })
  })

  test('can use the package in several workers and the main thread at the same time', async () => {
    const home = await world()
    const script = `
      const work = Array.from({ length: 3 }, () => new Promise((resolve, reject) => {
        const worker = ${worker(`
          const ht = new Hightouch(settings)
          const lists = await Promise.all(Array.from({ length: 5 }, () => ht.syncs.list()))
          parentPort.postMessage(lists.length)`)}
        worker.once('message', resolve).once('error', reject)
      }))
      const ht = new Hightouch(settings)
      console.log((await ht.syncs.list()).data.length, (await Promise.all(work)).join())`
    assert.deepEqual(await run(home, script), { code: 0, out: '3 5,5,5\n' })
  })

  test('reads the settings of a worker from the environment of the worker', async () => {
    const home = await world()
    const script = `const { environment, apiKey, baseUrl, ...others } = settings
      const worker = new Worker(
        "const { Hightouch } = require('hightouch-sdk'); const { workerData, parentPort } = require('node:worker_threads');"
          + "new Hightouch(workerData).syncs.list().then((page) => parentPort.postMessage(page.data.length))",
        { eval: true, workerData: others, env: { HIGHTOUCH_API_KEY: apiKey, HIGHTOUCH_BASE_URL: baseUrl } })
      worker.once('message', (n) => console.log(n))`
    assert.deepEqual(await run(home, script), { code: 0, out: '3\n' })
  })

  test('closes a client at the end of an `await using` block', async () => {
    const home = await world()
    let kept: Hightouch
    {
      await using ht = new Hightouch(settingsOf(sandbox, home))
      kept = ht
      assert.equal((await ht.syncs.list()).data.length, 3)
    }
    await assert.rejects(kept.syncs.list().then(), { name: 'ClosedError', kind: 'closed' })
  })
})
