// Lists the syncs, runs one and waits for that run. Then checks the connection, and makes many calls at once. The
// client delays some of these calls, so that the server refuses none.
//
//   HIGHTOUCH_API_KEY    the API key of the workspace (read by the client itself)
//   HIGHTOUCH_BASE_URL   the address of the API, if it is not the default (read by the client itself)
//   HIGHTOUCH_DEMO_CA    a PEM file of certificates to trust in addition to those of the system
//   HIGHTOUCH_DEMO_SYNC  the slug of the sync to run; by default the first one in the list

import { Hightouch } from 'hightouch-sdk'

const READS = 300
const ht = new Hightouch({ caBundle: process.env.HIGHTOUCH_DEMO_CA })

console.log('# The syncs of the workspace, page by page')
let slug = process.env.HIGHTOUCH_DEMO_SYNC
let total = 0
for await (const page of ht.syncs.list({ limit: 100 }).pages()) {
  total += page.data.length
  slug ??= page.data[0]?.slug
  console.log(`page of ${page.data.length}, ${total} so far`)
}

console.log(`\n# A run of ${slug}`)
const run = await ht.syncs.trigger(slug)
console.log(`run ${run.id} of sync ${run.syncId}`)
const line = process.stdout.isTTY
  ? (text) => process.stdout.write(`\r\x1b[K${text}`)
  : (text) => console.log(text)
const result = await run.wait({
  timeoutMs: 300_000,
  progress: ({ status, completionRatio }) => line(`${status} ${Math.round((completionRatio ?? 0) * 100)} %`),
})
if (process.stdout.isTTY) console.log()
console.log(`ended with the status ${result.status}: ${result.error ?? 'no error'}`)
const rows = ({ addedCount, changedCount, removedCount }) =>
  `${addedCount} added, ${changedCount} changed, ${removedCount} removed`
console.log(`planned:    ${rows(result.plannedRows)}`)
console.log(`successful: ${rows(result.successfulRows)}`)
console.log(`failed:     ${rows(result.failedRows)}`)

console.log('\n# The connection')
const { tls, findings } = await ht.diagnose()
if (tls)
  console.log(
    `${tls.protocol}, ${tls.cipherSuite}, key exchange ${tls.keyExchange}, ${tls.applicationProtocol}`,
  )
for (const { code, message } of findings) console.log(`${code}: ${message}`)

console.log(`\n# ${READS} reads at once`)
const begun = performance.now()
await Promise.all(Array.from({ length: READS }, () => ht.syncs.list({ limit: 1 })))
const seconds = (performance.now() - begun) / 1000
const { refused } = await ht.stats()
const rest = READS - 200
console.log(`${seconds.toFixed(1)} s; the server refused ${refused}`)
console.log(
  `The limit is 200 requests in 10 s. If the server is known to count a sliding window, ${READS} requests take 10 s. How\n` +
    `this server counts is not documented. So that no usual counter refuses a request, the last ${rest} are spread over\n` +
    `${rest / 20} s, which makes ${10 + rest / 20} s.`,
)

await ht.close()
