// The main job: look at the syncs, run one, follow that run to its end. Then many reads at once, none of them refused.
//
//   HIGHTOUCH_API_KEY    the workspace's key (the client reads it itself)
//   HIGHTOUCH_BASE_URL   where the API is, if not at its usual place (the client reads it itself)
//   HIGHTOUCH_DEMO_CA    a PEM file to trust beside the system's certificates
//   HIGHTOUCH_DEMO_SYNC  the slug of the sync to run; without it, the first one that is listed

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
console.log(`ended as ${result.status}: ${result.error ?? 'no error'}`)
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
  `ideal at 200 per 10 s: 10 s. The first 200 leave at once, the other ${rest} when those are 10 s old. That is for a\n` +
    `server known to count a sliding window. How this one counts is not documented; so that none of the usual counters\n` +
    `refuses any, the other ${rest} are spread over ${rest / 20} s: ${10 + rest / 20} s.`,
)

await ht.close()
