/** Tests the example for OpenTelemetry in docs/hooks.md with the SDK of OpenTelemetry. */

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'

import { propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import * as sdk from 'hightouch-sdk'
import * as ts from 'typescript'

import { logOf, ROOT, settingsOf, useSandbox } from './support.js'

/** Returns the example for OpenTelemetry of docs/hooks.md, compiled to JavaScript. */
function example(): string {
  const page = readFileSync(path.join(ROOT, 'docs', 'hooks.md'), 'utf8')
  const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
  const [code, ...others] = blocks.filter((block) => block.includes('@opentelemetry/api'))
  assert(code !== undefined && others.length === 0)
  const compilerOptions = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext }
  return ts.transpileModule(code, { compilerOptions }).outputText
}

describe('the example for OpenTelemetry', () => {
  const { sandbox, world } = useSandbox()
  const exporter = new InMemorySpanExporter()
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  )
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())

  test('makes a span of each call, with its attempts, and sends its context along', async () => {
    const home = await world({
      syncs: 10,
      script: [{ when: { operation: 'GetSync', nth: 1 }, answer: { status: 503 } }],
    })
    const folder = path.join(__dirname, 'otel')
    mkdirSync(folder, { recursive: true })
    const file = path.join(folder, 'example.mjs')
    writeFileSync(file, example())
    Object.assign(process.env, { HIGHTOUCH_API_KEY: home.apiKey, HIGHTOUCH_BASE_URL: home.httpBaseUrl })
    await import(pathToFileURL(file).href)
    const [span] = exporter.getFinishedSpans()
    assert(span)
    assert.deepEqual([span.name, span.kind], ['syncs.get', SpanKind.CLIENT])
    const { 'hightouch.call.id': callId, ...attributes } = span.attributes
    assert.match(String(callId), /^[0-9a-f]{32}$/)
    const address = new URL(home.httpBaseUrl)
    assert.deepEqual(attributes, {
      'http.request.method': 'GET',
      'url.template': '/syncs/{syncId}',
      'server.address': address.hostname,
      'server.port': Number(address.port),
      'hightouch.sync': '7',
    })
    assert.deepEqual(
      span.events.map((event) => event.attributes?.['http.response.status_code']),
      [503, 200],
    )
    const sent = await logOf(sandbox, home)
    assert.deepEqual(
      sent.map(({ headers }) => headers.traceparent),
      [parentOf(span), parentOf(span)],
    )
  })

  test('makes the spans of the requests of a batch children of its call', async () => {
    exporter.reset()
    const home = await world({ syncs: 2, pastRuns: 0, timeScale: 50, runs: { seconds: 1 } })
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    await (await ht.syncs.runMany([1, 2])).wait()
    const spans = exporter.getFinishedSpans()
    const batch = spans.find(({ name }) => name === 'syncs.runMany')
    assert(batch)
    const requests = spans.filter((span) => span !== batch)
    const sent = await logOf(sandbox, home)
    assert.equal(requests.length, sent.length)
    assert.equal(requests.filter(({ name }) => name === 'syncs.trigger').length, 2)
    for (const span of requests) {
      assert.equal(span.parentSpanContext?.spanId, batch.spanContext().spanId)
      assert.equal(span.spanContext().traceId, batch.spanContext().traceId)
      assert.equal(span.events.length, 1)
      assert(span.endTime[0] > 1_700_000_000 && span.duration[0] < 60)
    }
    assert.deepEqual(new Set(sent.map(({ headers }) => headers.traceparent)), new Set([parentOf(batch)]))
  })

  test('names the kind of an error', async () => {
    exporter.reset()
    const home = await world()
    await using ht = new sdk.Hightouch(settingsOf(sandbox, home))
    await assert.rejects(ht.syncs.get(999), sdk.NotFoundError)
    const [span] = exporter.getFinishedSpans()
    assert.equal(span?.attributes['error.type'], 'not_found')
    assert.equal(span.status.code, SpanStatusCode.ERROR)
  })
})

function parentOf(span: ReadableSpan): string {
  const { traceId, spanId } = span.spanContext()
  return `00-${traceId}-${spanId}-01`
}
