// Without an argument it starts a run and prints its token; with a token it waits for the end of that run, wherever it
// was started. Reads HIGHTOUCH_API_KEY, HIGHTOUCH_BASE_URL and HIGHTOUCH_DEMO_CA.

import { Hightouch } from 'hightouch-sdk'

const token = process.argv[2]
const ht = new Hightouch({ caBundle: process.env.HIGHTOUCH_DEMO_CA })
if (token === undefined) {
  const run = await ht.syncs.trigger('orders-to-salesforce')
  console.log(run.token)
} else {
  const run = await ht.run(token)
  const ended = await run.wait()
  console.log(`${ended.id} ${ended.status}`)
}
