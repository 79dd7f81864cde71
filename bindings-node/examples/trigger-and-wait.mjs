// The main job: find a sync, run it, follow that run to its end. Then the limit: many reads at once, none refused.
//
//   HIGHTOUCH_BASE_URL  where the API is (read by the client itself)
//   HIGHTOUCH_API_KEY   the workspace's key (read by the client itself)
//   HIGHTOUCH_DEMO_CA   a PEM file with the CA of a server that is not publicly trusted
//   HIGHTOUCH_DEMO_SYNC id or slug of the sync to run; without it, the first one listed

import { Hightouch } from 'hightouch-sdk'

await using ht = new Hightouch({ caBundle: process.env.HIGHTOUCH_DEMO_CA })
