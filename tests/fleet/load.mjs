// Reads a sync again and again, in eight loops, for SECONDS seconds: `load.mjs NAME SECONDS`. Each request has
// the header `X-Load: NAME`.

import { createRequire } from 'node:module'

const { Hightouch } = createRequire(new URL('../../bindings-node/package.json', import.meta.url))('hightouch-sdk')

const [name, seconds] = process.argv.slice(2)
const end = performance.now() + Number(seconds) * 1000
const ht = new Hightouch({ caBundle: process.env.HIGHTOUCH_DEMO_CA, headers: { 'X-Load': name } })

async function load() {
  while (performance.now() < end) await ht.syncs.get(1)
}

await Promise.all(Array.from({ length: 8 }, load))
await ht.close()
