/** Starts the sandbox for a test file, and creates worlds in it: workspaces for one test each. */

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after, before } from 'node:test'

export const ROOT = path.resolve(__dirname, '..', '..')

/** The flag that turns on the permissions of Node.js, under the name that this version knows. */
export const PERMISSION = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission'

/** Returns the pages and the texts of the code blocks that a test must run, as `tests/house/blocks` says. */
export function assigned(test: string): [page: string, code: string][] {
  const listed = execFileSync(path.join(ROOT, 'tests', 'house', 'blocks'), [test], { encoding: 'utf8' })
  return JSON.parse(listed) as [string, string][]
}

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Creates an empty folder, which is deleted after the tests of the file. */
export function emptyFolder(): string {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'hightouch-node-')))
  folders.push(folder)
  return folder
}

export interface Sandbox {
  url: string
  httpUrl: string
  ca: string
  closed: string
}

export interface World {
  id: string
  baseUrl: string
  httpBaseUrl: string
  apiKey: string
  keys: Record<string, string>
  timeScale: number
}

export interface LogEntry {
  operation: string
  status: number | null
  headers: Record<string, string>
  gone_ms?: number
}

/** An entry of a script: the first answer with the runs of a sync says that the latest one is in progress. */
export const STILL_RUNNING = {
  when: { operation: 'ListSyncRuns' },
  answer: {
    edit: [
      { at: '/data/0/status', set: 'querying' },
      { at: '/data/0/finishedAt', set: null },
    ],
  },
}

/** Returns the settings of a client that uses `world`. */
export function settingsOf(sandbox: Sandbox, world: World): Record<string, unknown> {
  const { apiKey, baseUrl, timeScale } = world
  return { apiKey, baseUrl, caBundle: sandbox.ca, timeScale, environment: {} }
}

/** Starts the sandbox before the tests of a file and ends it after them. */
export function useSandbox(): { sandbox: Sandbox; world: (wanted?: object) => Promise<World> } {
  const started = {} as Sandbox
  const binary = process.env.HIGHTOUCH_SANDBOX ?? path.join(ROOT, 'target', 'debug', 'hightouch-sandbox')
  let stop: () => Promise<void>

  before(async () => {
    const child = spawn(binary, ['--exit-with-stdin', ...coverage()], { stdio: ['pipe', 'pipe', 'inherit'] })
    const ended = once(child, 'exit')
    stop = async () => {
      child.stdin.end()
      await ended
    }
    const line = once(createInterface(child.stdout), 'line')
    const [first] = (await Promise.race([line, ended.then(() => assert.fail('the sandbox ended'))])) as [
      string,
    ]
    Object.assign(started, JSON.parse(first))
  })
  after(() => stop())

  return {
    sandbox: started,
    world: async (wanted = {}) => (await post(`${started.httpUrl}/_worlds`, wanted)) as World,
  }
}

function coverage(): string[] {
  const file = process.env.HIGHTOUCH_COVERAGE
  return file === undefined ? [] : ['--coverage', file]
}

export async function post(url: string, body: unknown): Promise<unknown> {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url}: ${String(answer.status)} ${text}`)
  return JSON.parse(text)
}

/** Returns the requests that a world has received. */
export async function logOf(sandbox: Sandbox, world: World): Promise<LogEntry[]> {
  const answer = await fetch(`${sandbox.httpUrl}/_worlds/${world.id}/log`)
  return ((await answer.json()) as { requests: LogEntry[] }).requests
}

/** Calls `found` again and again until it returns a value that is neither undefined nor false. Fails after 30 s. */
export async function eventually<T>(found: () => Promise<T | undefined | false>): Promise<T> {
  const end = Date.now() + 30_000
  for (;;) {
    const value = await found()
    if (value !== undefined && value !== false) return value
    if (Date.now() > end) throw new Error('nothing came within 30 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
