// A web API with Express: POST starts a run, and GET returns its state.

import express from 'express'
import { Hightouch, HightouchError } from 'hightouch-sdk'

// One client serves the whole process. A call that would wait more than two seconds for the rate limit fails instead.
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
