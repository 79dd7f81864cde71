/** The code that the helpers for all test runners share. */

import { closeSharedSandbox } from './server.js'
import { World, type WorldOptions } from './world.js'

/** The functions of a test runner that register hooks. */
export interface Runner {
  beforeEach: (hook: () => Promise<void>) => void
  /** `failed` is true if the runner says that the test has failed. The hook then does not check the requests. */
  afterEach: (hook: (failed: boolean) => Promise<void>) => void
  afterAll: (hook: () => Promise<void>) => void
}

/**
 * The environment variables that name a file of `hightouch-sandbox` or of `hightouch-sdk`. They stay set during a test;
 * all other `HIGHTOUCH_*` variables of the caller are removed.
 */
const FILES = ['HIGHTOUCH_SANDBOX', 'HIGHTOUCH_ADDON']

/** How many files or blocks of tests use worlds and have not ended. The last one to end closes the server. */
let users = 0

/**
 * Gives each test a world of its own, in which `new Hightouch()` works during the test.
 *
 * @returns A function that returns the world of the current test.
 */
export function worldEachTest(runner: Runner, options: WorldOptions): () => World {
  let current: World | undefined
  let before: Record<string, string | undefined> = {}
  users += 1

  runner.beforeEach(async () => {
    const world = await World.create(options)
    current = world
    const present = Object.keys(process.env).filter(
      (name) => name.startsWith('HIGHTOUCH_') && !FILES.includes(name),
    )
    before = Object.fromEntries(present.map((name) => [name, process.env[name]]))
    for (const name of present) setVariable(name, undefined)
    for (const [name, value] of Object.entries(world.environment)) {
      if (!(name in before)) before[name] = undefined
      setVariable(name, value)
    }
  })

  runner.afterEach(async (failed) => {
    const world = current
    current = undefined
    for (const [name, value] of Object.entries(before)) setVariable(name, value)
    try {
      if (world?.isOpen && world.judged && !failed) await world.check()
    } finally {
      await world?.close()
    }
  })

  runner.afterAll(async () => {
    users -= 1
    if (users === 0) await closeSharedSandbox()
  })

  return () => {
    if (current === undefined) throw new Error('There is a world only during a test and its hooks.')
    return current
  }
}

function setVariable(name: string, value: string | undefined): void {
  // Assigning undefined to a variable would set it to the text "undefined".
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}
