/** A project as a user has it: the code blocks of docs/testing.md in an empty folder, with the packages installed. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { describe, test } from 'node:test'

import { filesOf, Project } from './project.js'
import { assigned } from './support.js'

const WRONG = `
import { test } from 'node:test'
import { useWorld } from 'hightouch-sandbox/node-test'

const world = useWorld()
test('an unknown parameter', () => world().client().request('GET', '/syncs', { query: { colour: 'red' } }))
test('a fault that is not met', () => world().failNext('syncs.get', 503))
test('a test that fails', async () => {
  await world().failNext('syncs.get', 503)
  throw new Error('mine')
})
`
const TURNED_OFF = `
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { useWorld } from 'hightouch-sandbox/node-test'

const world = useWorld({ judge: false })
test('a fault that is not met', () => world().failNext('syncs.get', 503))
test('a name that is misspelt', () =>
  assert.rejects(world().failNext('sync.trigger'), /no method 'sync.trigger'. Did you mean syncs.trigger, /))
test('a setting that is wrong', () => assert.rejects(world().planRuns('no-such-slug', {}), TypeError))
`
const LEFT_OPEN = `
const { World } = require('hightouch-sandbox')
World.create().then(async (world) => console.log((await world.client().syncs.get(2)).id, world.sandbox.program))
`
const CHILD = `
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { useWorld } from 'hightouch-sandbox/node-test'

const world = useWorld()
test('a child process uses the world', async () => {
  const code = "new (require('hightouch-sdk').Hightouch)().syncs.get(2).then(({ id }) => console.log(id))"
  assert.equal(execFileSync(process.execPath, ['-e', code], { encoding: 'utf8' }), '2\\n')
  assert.equal((await world().waitForRequests('syncs.get')).length, 1)
  assert.equal(process.env.HIGHTOUCH_API_KEY, world().apiKey)
})
test('waits no longer than asked', () =>
  assert.rejects(world().waitForRequests('syncs.get', { timeoutMs: 1 }), /0 of 1 requests/))
`
const TYPES = `
import { Sandbox, World, WorldError, type WorldRequest } from 'hightouch-sandbox'
import { useWorld } from 'hightouch-sandbox/node-test'
import { useWorld as inVitest } from 'hightouch-sandbox/vitest'
import { useWorld as inJest } from 'hightouch-sandbox/jest'
import { Hightouch } from 'hightouch-sdk'

// @ts-expect-error a Readable is no number
export const stream: number = new Hightouch().syncs.list().toCSV()
const world: () => World = useWorld({ limit: [5, 10] })
export const others: (() => World)[] = [inVitest(), inJest()]
export async function typed(): Promise<WorldRequest[]> {
  await using other = await World.create({ sandbox: await Sandbox.start() })
  await other.failNext('syncSequences.trigger', 502, { times: Infinity })
  // @ts-expect-error a client has no such method
  await other.failNext('sync.trigger').catch((error: unknown) => error instanceof WorldError)
  return world().requests('syncs.latestRun')
}
`

const PAGES = [
  ['docs/testing.md', 'job.test.mjs'],
  ['bindings-node/sandbox/README.md', 'readme.test.mjs'],
] as const

describe('a project of somebody else', () => {
  const project = new Project()

  test('installs the packages without cargo and without a registry', async () => {
    assert.notEqual((await project.run('cargo', ['--version'])).code, 0)
    await project.install()
    for (const name of readdirSync(project.file('node_modules')).filter((one) =>
      one.startsWith('hightouch'),
    )) {
      for (const file of ['README.md', 'LICENSE-MIT', 'LICENSE-APACHE'])
        assert(existsSync(project.file(`node_modules/${name}/${file}`)), `${name} has no ${file}`)
      if (/-(linux|darwin|win32)-/.test(name))
        assert(existsSync(project.file(`node_modules/${name}/THIRD-PARTY-NOTICES.txt`)), name)
    }
  })

  for (const [page, suite] of PAGES) {
    test(`passes the tests of ${page}`, async () => {
      const files = filesOf(page)
      for (const [name, text] of files) project.write(name, text)
      const output = await project.succeed('node', ['--test', suite])
      const tests = files.get(suite)?.match(/^test\(/gm)?.length ?? 0
      assert(tests > 0)
      assert.match(output, new RegExp(`^(#|ℹ) pass ${String(tests)}$`, 'm'), output)
    })
  }

  test('has every block that this file must run', () => {
    const parts = PAGES.flatMap(([page]) => [...filesOf(page).values()]).join('')
    for (const [page, code] of assigned('bindings-node/test/stranger.test.ts')) {
      if (!code.startsWith('npx '))
        assert(parts.includes(code.slice(code.indexOf('\n') + 1)), `${page}: ${code}`)
    }
  })

  test('fails a test if the judge finds something or a fault was not met', async () => {
    project.write('wrong.test.mjs', WRONG)
    const { output } = await project.run('node', ['--test', 'wrong.test.mjs'])
    assert.match(output, /^(#|ℹ) fail 3$/m, output)
    assert.match(output, /document: /)
    assert.match(output, /failNext\('syncs.get', 503\) was met 0 times instead of 1\./)
    assert.match(output, /mine/)
    project.write('off.test.mjs', TURNED_OFF)
    assert.match(await project.succeed('node', ['--test', 'off.test.mjs']), /^(#|ℹ) pass 3$/m)
  })

  test('gives a world to a child process, and gives the environment back', async () => {
    project.write('child.test.mjs', CHILD)
    const output = await project.succeed('node', ['--test', 'child.test.mjs'])
    assert.match(output, /^(#|ℹ) pass 2$/m)
  })

  test('ends, and the server with it, although a world is left open', async () => {
    project.write('open.cjs', LEFT_OPEN)
    const [id, program = ''] = (await project.succeed('node', ['open.cjs'])).trim().split(' ')
    assert.equal(id, '2')
    const running = await project.run('pgrep', ['-f', program])
    assert.equal(running.output, '')
  })

  test('runs the program by its name', async () => {
    assert.match(
      await project.succeed('npx', ['--offline', 'hightouch-sandbox', '--version']),
      /^hightouch-sandbox \d/,
    )
    const { code } = await project.run('npx', ['--offline', 'hightouch-sandbox', '--no-such-option'])
    assert.equal(code, 2)
  })

  test('starts the program as README.md of the package shows', async () => {
    const [command = assert.fail()] = assigned('bindings-node/test/stranger.test.ts')
      .map(([, code]) => code)
      .filter((code) => code.startsWith('npx '))
    const world = JSON.parse(await project.firstLine(command)) as Record<string, unknown>
    assert.match(String(world.baseUrl), /^https:/)
    assert.equal(typeof world.apiKey, 'string')
  })

  test('is told which package is missing', async () => {
    project.write('missing.cjs', "require('hightouch-sandbox').programPath()")
    project.write('other.cjs', "Object.defineProperty(process, 'arch', { value: 'riscv64' })")
    const { output } = await project.run('node', ['--require', './other.cjs', 'missing.cjs'])
    assert.match(output, /for linux riscv64 is not installed: it is in hightouch-sandbox-linux-riscv64-/)
    // Incident: the program printed a stack trace.
    const ended = await project.run('npx', ['--offline', 'hightouch-sandbox'], {
      NODE_OPTIONS: `--require=${project.file('other.cjs')}`,
    })
    assert.equal(ended.code, 1)
    assert.match(ended.output, /^hightouch-sandbox: The program of hightouch-sandbox for linux riscv64 .*\n$/)
  })

  /** Incident: from version 6 on, TypeScript loads no types of Node.js by itself, and a stream had the type any. */
  test('compiles as strict TypeScript, which loads the types of Node.js for the packages', async () => {
    project.write('typed.mts', TYPES)
    const tsc = require.resolve('typescript/bin/tsc')
    const types = require.resolve('@types/node/package.json').replace(/node.package\.json$/, '')
    const options = '--noEmit --strict --module node16 --target es2022 --lib es2023,esnext.disposable'
    const roots = ['--typeRoots', types, 'typed.mts']
    await project.succeed('node', [tsc, ...options.split(' '), ...roots])
  })
})
