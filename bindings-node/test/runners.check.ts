/** Runs the tests of docs/testing.md in Vitest, in Jest and in node:test, on each installed version of Node.js. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { before, describe, test } from 'node:test'

import * as ts from 'typescript'

import { filesOf, nodes, Project } from './project.js'

const PAGE = filesOf('docs/testing.md')
const JOB = PAGE.get('job.mjs') ?? ''
const SUITE = PAGE.get('job.test.mjs') ?? ''
const IMPORT = "import { test } from 'node:test'"
const COUNT = SUITE.match(/^test\(/gm)?.length ?? 0

/** Returns the test suite of docs/testing.md for another runner: only two imports differ, as the page says. */
function suiteFor(runner: string, importTest: string): string {
  assert(SUITE.includes(IMPORT))
  return SUITE.replace(IMPORT, importTest).replace(
    'hightouch-sandbox/node-test',
    `hightouch-sandbox/${runner}`,
  )
}

function commonJs(code: string): string {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS }
  return ts.transpileModule(code, { compilerOptions }).outputText.replaceAll('./job.mjs', './job')
}

const HANDLES = `
const { useWorld } = require('hightouch-sandbox/jest')
const { Hightouch } = require('hightouch-sdk')

const world = useWorld()
const early = new Hightouch({ apiKey: 'never-used' })
let ht
beforeEach(() => {
  ht = new Hightouch({ apiKey: () => world().apiKey })
})
afterEach(() => ht.close())
afterAll(() => early.close())
test('a client of the file, one of a hook, and one of a test', async () => {
  expect((await ht.syncs.get(1)).id).toBe(1)
  expect((await world().client().syncs.get(2)).id).toBe(2)
})
`
const WRONG = `
import { test } from 'vitest'
import { useWorld } from 'hightouch-sandbox/vitest'

const world = useWorld()
test('a fault that is not met', () => world().failNext('syncs.get', 503))
test('a test that fails', async () => {
  await world().failNext('syncs.get', 503)
  throw new Error('mine')
})
`

describe('the tests of the page', () => {
  const project = new Project()
  /** The main files of Jest and of Vitest, which Node.js runs. */
  const jest = project.file('node_modules/jest/bin/jest.js')
  const vitest = project.file('node_modules/vitest/vitest.mjs')
  const inVm = { NODE_OPTIONS: '--experimental-vm-modules' }

  before(async () => {
    project.write('package.json', '{ "private": true, "jest": { "testMatch": ["**/*.test.?(c|m)js"] } }\n')
    await project.install('jest@30.5.2', 'vitest@3')
    for (const folder of ['node', 'esm', 'vitest']) project.write(`${folder}/job.mjs`, JOB)
    project.write('node/job.test.mjs', SUITE)
    project.write('esm/job.test.mjs', suiteFor('jest', "import { test } from '@jest/globals'"))
    project.write('vitest/job.test.mjs', suiteFor('vitest', "import { test } from 'vitest'"))
    project.write('vitest/wrong.test.mjs', WRONG)
    project.write('cjs/job.js', commonJs(JOB))
    project.write('cjs/job.test.js', commonJs(suiteFor('jest', '')))
    project.write('cjs/handles.test.js', HANDLES)
  })

  for (const node of nodes()) {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()

    test(`pass in node:test on Node ${version}`, async () => {
      const output = await project.succeed(node, ['--test', path.join('node', 'job.test.mjs')])
      assert.match(output, new RegExp(`^(#|ℹ) pass ${String(COUNT)}$`, 'm'))
    })

    test(`pass in Jest on Node ${version}`, async () => {
      const output = await project.succeed(node, [jest, 'cjs/job'])
      assert.match(output, new RegExp(`^Tests: +${String(COUNT)} passed`, 'm'))
    })

    test(`pass in Jest as ES modules on Node ${version}`, async () => {
      const output = await project.succeed(node, [jest, 'esm/job'], inVm)
      assert.match(output, new RegExp(`^Tests: +${String(COUNT)} passed`, 'm'))
    })

    test(`pass in Vitest on Node ${version}`, async () => {
      const output = await project.succeed(node, [vitest, 'run', 'vitest/job', '--no-color'])
      assert.match(output, new RegExp(`Tests +${String(COUNT)} passed`))
    })

    /** Incident: Jest reported an open handle for each file of tests, although the file had closed all its clients. */
    test(`leave no handle that Jest finds on Node ${version}`, async () => {
      const output = await project.succeed(node, [jest, '--detectOpenHandles', 'cjs/'])
      assert.match(output, new RegExp(`^Tests: +${String(COUNT + 1)} passed`, 'm'))
      assert.doesNotMatch(output, /open handle/)
    })
  }

  test('fail in Vitest if a fault was not met', async () => {
    const { code, output } = await project.run('node', [vitest, 'run', 'vitest/wrong', '--no-color'])
    assert.equal(code, 1)
    assert.match(output, /failNext\('syncs.get', 503\) was met 0 times/)
    assert.match(output, /Tests +2 failed/)
    assert.match(output, /Error: mine/)
  })
})
