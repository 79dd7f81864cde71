/** The code that the helpers for all test runners share. */

import { replaceEnvironment } from './environment.js'
import { closeSharedSandbox } from './server.js'
import { World, checkWorldOptions, type WorldOptions } from './world.js'

/** A test, as a test runner describes it to a hook. */
export interface RunningTest {
  /** The names of the blocks and tests around the test, and its own name, separated by ` > `. */
  readonly fullName: string
  /** Aborts when the test has ended. */
  readonly signal: AbortSignal
}

/**
 * The functions of a test runner that register hooks. Only a runner that also calls the hooks for subtests needs to
 * pass the test to the hooks.
 */
export interface Runner {
  beforeEach: (hook: (test?: RunningTest) => Promise<void>) => void
  /** `failed` is true if the runner says that the test has failed. The hook then does not check the requests. */
  afterEach: (hook: (failed: boolean, test?: RunningTest) => Promise<void>) => void
  afterAll: (hook: () => Promise<void>) => void
}

/** How many files or blocks of tests use worlds and have not ended. The last one to end closes the server. */
let users = 0

/**
 * Gives each test a world of its own, in which `new Hightouch()` works during the test. A subtest shares the world of
 * its test.
 *
 * @returns A function that returns the world of the current test.
 * @throws TypeError if a setting of the worlds is unknown or wrong.
 */
export function worldEachTest(runner: Runner, options: WorldOptions): () => World {
  let current: { world: World; restore: () => void } | undefined
  /** The test that has the current world, if the runner passes tests to hooks. */
  let owner: RunningTest | undefined
  checkWorldOptions('useWorld', options)
  users += 1

  runner.beforeEach(async (test) => {
    if (owner && test && !owner.signal.aborted) {
      if (test.fullName.startsWith(`${owner.fullName} > `)) return
      throw new Error(
        'Two tests of a file run at the same time, and `useWorld` gives them the same environment variables. ' +
          'Run them one after the other, or create a world in each with `World.create()`.',
      )
    }
    owner = test
    // Node.js 20 and 22 call no hook after a test that called `t.skip()`, so its world may still be open.
    await end(false)
    const world = await World.create(options)
    current = { world, restore: replaceEnvironment(world.environment) }
  })

  runner.afterEach(async (failed, test) => {
    if (owner?.fullName !== test?.fullName) return
    owner = undefined
    await end(!failed)
  })

  runner.afterAll(async () => {
    users -= 1
    try {
      await end(false)
    } finally {
      if (users === 0) await closeSharedSandbox()
    }
  })

  async function end(judge: boolean): Promise<void> {
    const ended = current
    current = undefined
    ended?.restore()
    try {
      if (judge && ended?.world.isOpen && ended.world.judged) await ended.world.check()
    } finally {
      await ended?.world.close()
    }
  }

  return () => {
    if (current === undefined) throw new Error('There is a world only during a test and its hooks.')
    return current.world
  }
}
