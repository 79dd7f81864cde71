// Without an argument, starts a run and prints its token. With a token, waits for that run, whichever process started it.
// Reads HIGHTOUCH_API_KEY, HIGHTOUCH_BASE_URL and HIGHTOUCH_DEMO_CA.

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
