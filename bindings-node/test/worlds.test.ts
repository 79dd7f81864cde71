/** The helpers of `hightouch-sandbox` in tests of node:test, on each installed version of Node.js. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { before, describe, test } from 'node:test'

import { nodes, Project, type Ended } from './project.js'

const IMPORTS = `
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { useWorld } from 'hightouch-sandbox/node-test'
import { Hightouch } from 'hightouch-sdk'

async function slug() {
  const ht = new Hightouch()
  try {
    return (await ht.syncs.get(1)).slug
  } finally {
    await ht.close()
  }
}
`
const SUBTESTS = `
const world = useWorld({ slugs: ['orders'] })
test('a job', async (t) => {
  const outer = world()
  await t.test('step one', async (t) => {
    assert.equal(await slug(), 'orders')
    await t.test('a part of the step', () => assert.equal(world(), outer))
  })
  await t.test('step two', async () => assert.equal((await world().requests('syncs.get')).length, 1))
  assert.equal(world(), outer)
  assert(outer.isOpen)
})
test('a job that does not meet its fault', async (t) => {
  await world().failNext('syncs.get', 503)
  await t.test('a step', () => {})
})
after(() => assert.equal(process.env.HIGHTOUCH_API_KEY, 'a-real-key'))
`
const SKIPPED = `
describe('a block', () => {
  useWorld()
  test('skips itself', (t) => t.skip())
})
test('the environment is back', () => {
  assert.equal(process.env.HIGHTOUCH_API_KEY, 'a-real-key')
  assert.equal(process.env.HIGHTOUCH_BASE_URL, undefined)
})
describe('a block with steps', () => {
  const world = useWorld({ slugs: ['orders'] })
  let skipped
  test('skips a step, then itself', async (t) => {
    skipped = world()
    await t.test('step', (t) => t.skip())
    assert.equal(world(), skipped)
    t.skip()
  })
  test('skips a step, then itself > has a world of its own', async () => {
    assert.notEqual(world(), skipped)
    assert(!skipped.isOpen)
    assert.equal(await slug(), 'orders')
  })
})
`
const NESTED = `
process.env.HIGHTOUCH_SHARE = '0.5'
const outer = useWorld({ slugs: ['outer'] })
test('before the block', async () => assert.equal(await slug(), 'outer'))
describe('a block', () => {
  useWorld({ slugs: ['inner'] })
  test('skips itself', async (t) => {
    assert.equal(await slug(), 'inner')
    t.skip()
  })
  test('has the inner world', async () => assert.equal(await slug(), 'inner'))
})
test('after the block', async () => {
  assert.equal(await slug(), 'outer')
  assert.equal(process.env.HIGHTOUCH_SHARE, undefined)
  process.env.HIGHTOUCH_SHARE = '0.1'
})
after(() => {
  assert.equal(process.env.HIGHTOUCH_API_KEY, 'a-real-key')
  assert.equal(process.env.HIGHTOUCH_SHARE, '0.5')
})
`
const AT_ONCE = `
describe('a block', { concurrency: 2 }, () => {
  const world = useWorld()
  test('one', () => world().waitForRequests(undefined, { count: 0 }))
  test('two', () => world().waitForRequests(undefined, { count: 0 }))
})
`
const OUTSIDE = `
useWorld({ slugs: ['orders'] })
test('has a world', async () => assert.equal(await slug(), 'orders'))
`
const INSIDE = `describe('a file', () => {${OUTSIDE}})`

const REFUSED = `
import assert from 'node:assert/strict'
import { Sandbox, World } from 'hightouch-sandbox'
import { useWorld } from 'hightouch-sandbox/node-test'

const world = await World.create({ slugs: ['orders'] })
const calls = {
  'World.create: unknown option \`slug\`; known are \`syncs\`, \`slugs\`, ': () => World.create({ slug: ['a'] }),
  'World.create: \`slugs\` must be an array of strings.': () => World.create({ slugs: 'orders' }),
  'World.create: \`limit\` must be an array of two numbers: ': () => World.create({ limit: 5 }),
  'World.create: \`syncs\` must be a whole number from 0 to ': () => World.create({ syncs: -1 }),
  'useWorld: unknown option \`slug\`; known are ': () => useWorld({ slug: ['a'] }),
  'Sandbox.start: unknown option \`path\`; known are \`program\`, ': () => Sandbox.start({ path: 'a' }),
  'failNext: \`status\` must be a whole number from 200 to 599.': () => world.failNext('syncs.get', '503'),
  'failNext: \`method\` must be the name of a method, such as ': () => world.failNext(undefined, 503),
  'failNext: \`times\` must be a whole number from 0 to ': () => world.failNext('syncs.get', 503, { times: -1 }),
  'failNext: \`options\` must be an object.': () => world.failNext('syncs.get', 503, null),
  'loseAnswer: unknown option \`perform\`; known are \`performed\`, \`times\`.': () =>
    world.loseAnswer('syncs.trigger', { perform: false }),
  'delayNext: \`delayMs\` must be a number, 0 or more.': () => world.delayNext('syncs.get', { delayMs: 5 }),
  'answerNext: \`headers\` must be an object whose members are strings.': () =>
    world.answerNext('syncs.get', {}, { headers: { age: 1 } }),
  "planRuns: \`status\` must be 'success' or 'warning' or ": () => world.planRuns('orders', { status: 'broken' }),
  'planRuns: \`options\` must be an object.': () => world.planRuns('orders'),
  'failNextRun: \`error\` must be a string.': () => world.failNextRun('orders', 5),
  'failNextRun: \`sync\` must be the id or the slug of a sync, ': () => world.failNextRun({ slug: 'orders' }),
  'warnNextRun: unknown option \`reject\`; known are ': () => world.warnNextRun('orders', { reject: 7 }),
  'warnNextRun: \`rejected\` must be a whole number from 0 to 150.': () =>
    world.warnNextRun('orders', { rejected: 151 }),
  'setLimit: unknown option \`retryafter\`; known are ': () => world.setLimit(5, 10, { retryafter: 5 }),
  'setLimit: \`requests\` must be a whole number ': () => world.setLimit({ requests: 5 }),
  'requests: \`method\` must be the name of a method, such as ': () => world.requests(null),
  'waitForRequests: unknown option \`timeout\`; known are ': () =>
    world.waitForRequests('syncs.get', { timeout: 1, timeoutMs: 1 }),
}
for (const [start, call] of Object.entries(calls)) {
  await assert.rejects(async () => call(), (error) => {
    assert.equal(error.name, 'TypeError')
    assert(error.message.startsWith(start), error.message)
    return true
  })
}
assert.deepEqual(await world.judge(), [])
await world.close()
`

describe('a world', () => {
  const project = new Project()
  before(async () => {
    await project.install()
    const files = { SUBTESTS, SKIPPED, NESTED, AT_ONCE, OUTSIDE, INSIDE }
    for (const [name, code] of Object.entries(files)) project.write(`${name}.mjs`, IMPORTS + code)
    project.write('outside2.mjs', IMPORTS + OUTSIDE)
    project.write('inside2.mjs', IMPORTS + INSIDE)
    for (const name of ['OUTSIDE', 'INSIDE'])
      project.write(`both-${name}.mjs`, `import './${name}.mjs'\nimport './${name.toLowerCase()}2.mjs'`)
    project.write('refused.mjs', REFUSED)
  })

  for (const node of nodes()) {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
    const run = (file: string): Promise<Ended> => project.run(node, ['--test', `${file}.mjs`])
    const passes = async (file: string): Promise<void> => {
      const { code, output } = await run(file)
      assert.equal(code, 0, output)
      assert.match(output, /^(#|ℹ) fail 0$/m)
    }

    /** Incident: a subtest got a world of its own. Afterwards its test had no world, and was not judged. */
    test(`belongs to a test and its subtests on Node ${version}`, async () => {
      const { output } = await run('SUBTESTS')
      assert.match(output, /failNext\('syncs.get', 503\) was met 0 times instead of 1\./)
      assert.match(output, /^(#|ℹ) pass 5$/m, output)
      assert.match(output, /^(#|ℹ) fail 1$/m)
    })

    /** Incident: Node 20 and 22 call no hook after such a test, and its world stayed in the environment. */
    test(`ends with a test that skips itself on Node ${version}`, () => passes('SKIPPED'))

    test(`of a block replaces the one outside on Node ${version}`, () => passes('NESTED'))

    test(`is refused to tests that run at the same time on Node ${version}`, async () => {
      const { code, output } = await run('AT_ONCE')
      assert.equal(code, 1)
      assert.match(output, /Two tests of a file run at the same time, /)
    })

    /** Incident: the tests of two files in one process had the world of the wrong file. */
    test(`is refused to files that share a process on Node ${version}`, async () => {
      const { output } = await run('both-OUTSIDE')
      assert.match(output, /^(#|ℹ) fail 2$/m, output)
      assert.match(output, /`useWorld` was called more than once outside of blocks, /)
      await passes('both-INSIDE')
    })
  }

  /** Incident: unknown and wrong options were ignored, and the test waited for a run that never ended. */
  test('refuses options and arguments that are unknown or wrong', async () => {
    await project.succeed('node', ['refused.mjs'])
  })
})
