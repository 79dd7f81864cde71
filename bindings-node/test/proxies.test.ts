import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'

import { Hightouch } from 'hightouch-sdk'

import { settingsOf, useSandbox, type World } from './support.js'

const VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy', 'NO_PROXY', 'no_proxy']

/** Incident: only `HIGHTOUCH_*` variables reached the core, so no proxy variable was read. */
describe('the proxy of the environment', () => {
  const { sandbox, world } = useSandbox()
  /** The addresses to which clients asked the proxy to connect. */
  const asked: string[] = []
  let proxy: Server
  let url = ''

  before(async () => {
    proxy = createServer().on('connect', (request, socket) => {
      asked.push(request.url ?? '')
      const [host = '', port] = (request.url ?? '').split(':')
      const onward = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
        onward.pipe(socket).pipe(onward)
      })
      for (const end of [onward, socket]) end.on('error', () => undefined)
      socket.on('close', () => onward.destroy())
    })
    await once(proxy.listen(0, '127.0.0.1'), 'listening')
    url = `http://127.0.0.1:${String((proxy.address() as AddressInfo).port)}`
  })
  after(() => {
    proxy.closeAllConnections()
    proxy.close()
  })

  const authority = (home: World): string => new URL(home.baseUrl).host
  const settings = (home: World): Record<string, unknown> => {
    const { environment, ...others } = settingsOf(sandbox, home)
    assert(environment)
    return others
  }
  /** Makes one call with these variables set, and returns how often the call used the proxy. */
  const through = async (home: World, variables: NodeJS.ProcessEnv): Promise<number> => {
    const kept = { ...process.env }
    for (const name of VARIABLES) Reflect.deleteProperty(process.env, name)
    Object.assign(process.env, variables)
    let ht: Hightouch
    try {
      ht = new Hightouch(settings(home))
    } finally {
      for (const name of Object.keys(variables)) Reflect.deleteProperty(process.env, name)
      Object.assign(process.env, kept)
    }
    asked.length = 0
    await ht.syncs.get(1)
    await ht.close()
    assert.deepEqual(new Set(asked), new Set(asked.length > 0 ? [authority(home)] : []))
    return asked.length
  }

  test('is used by the main thread, whichever variable names it', async () => {
    const home = await world()
    for (const name of VARIABLES.slice(0, 4)) assert.equal(await through(home, { [name]: url }), 1, name)
    assert.equal(await through(home, {}), 0)
  })

  test('is not used for the hosts in NO_PROXY', async () => {
    const home = await world()
    const { hostname } = new URL(home.baseUrl)
    for (const name of VARIABLES.slice(4)) {
      assert.equal(await through(home, { HTTPS_PROXY: url, [name]: `example.com,${hostname}` }), 0, name)
      assert.equal(await through(home, { HTTPS_PROXY: url, [name]: 'example.com' }), 1, name)
    }
  })

  test('of a worker is read from the environment of the worker', async () => {
    const home = await world()
    const body = `
      const { parentPort, workerData } = require('node:worker_threads')
      const { Hightouch } = require('hightouch-sdk')
      new Hightouch(workerData).syncs.get(1).then(({ id }) => parentPort.postMessage(id))`
    for (const [env, times] of [
      [{ HTTPS_PROXY: url }, 1],
      [{}, 0],
    ] as const) {
      asked.length = 0
      const worker = new Worker(body, { eval: true, workerData: settings(home), env })
      const ended = once(worker, 'exit')
      assert.deepEqual(await once(worker, 'message'), [1])
      await ended
      assert.equal(asked.length, times)
    }
  })
})
