// An API of one's own: POST starts a run, GET looks at it.

import express from 'express'
import { Hightouch, HightouchError } from 'hightouch-sdk'

// One client for the whole process. A request that would wait long for the rate limit is refused instead.
const ht = new Hightouch({ maxWaitMs: 2_000, deadlineMs: 20_000 })
const app = express()

app.post('/syncs/:sync/runs', async (request, response) => {
  const run = await ht.syncs.trigger(request.params.sync)
  response.status(202).json({ token: run.token })
})

app.get('/runs/:token', async (request, response) => {
  const run = await ht.run(request.params.token)
  const state = await run.state()
  response.json({ status: state.status, added: state.successfulRows.addedCount, ended: state.finishedAt != null })
})

app.use((error, _request, response, next) => {
  if (!(error instanceof HightouchError)) return next(error)
  const status = { not_found: 404, invalid_request: 400, rate_limited: 429 }[error.kind] ?? 502
  response.status(status).json({ kind: error.kind, message: error.message })
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`)
})

process.once('SIGTERM', () => {
  server.close(() => void ht.close())
})
