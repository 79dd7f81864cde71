// Without an argument, starts a run and prints its token. With a token as the argument, waits for the end of the run
// that the token names. Another process, in any language, may have started the run.
//
//   HIGHTOUCH_API_KEY    the API key of the workspace (read by the client itself)
//   HIGHTOUCH_BASE_URL   the address of the API, if it is not the default (read by the client itself)
//   HIGHTOUCH_DEMO_CA    a PEM file of certificates to trust in addition to those of the system

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
