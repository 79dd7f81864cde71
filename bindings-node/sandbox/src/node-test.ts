/// <reference types="node" preserve="true" />

/** Gives each test of `node:test` a world of its own: a workspace of the sandbox. */

import { after, afterEach, before, beforeEach, type SuiteContext, type TestContext } from 'node:test'

import { worldEachTest, type RunningTest } from './hooks.js'
import type { World, WorldOptions } from './world.js'

/** The name that Node.js gives to what is outside of all blocks and tests. */
const OUTSIDE = '<root>'

const SECOND =
  '`useWorld` was called more than once outside of blocks, so a test would get several worlds at once. ' +
  'If `--test-isolation=none` or an import runs several files of tests in one process, run each file in its own, ' +
  'or call `useWorld` inside of `describe` in each file. A test creates a second world with `World.create()`.'

/** How many calls of `useWorld` outside of blocks this process has. Hooks of such a call run for all its tests. */
let callsOutside = 0

/**
 * Gives each test of this file, or of the block that calls `useWorld`, a world of its own.
 *
 * `new Hightouch()` uses this world during the test, because `HIGHTOUCH_API_KEY` and `HIGHTOUCH_BASE_URL` are set. So
 * the test cannot reach a real workspace. After the test, the sandbox checks the requests that the world received, and
 * the test fails if a request is wrong. Tests of one file must not run at the same time, because they share the
 * environment variables. The subtests of a test share its world.
 *
 * @param options Settings of the worlds.
 * @returns A function that returns the world of the current test. The function throws an Error outside of tests.
 * @throws TypeError if a setting is unknown or wrong.
 */
export function useWorld(options: WorldOptions = {}): () => World {
  let isOutside = false
  before(({ name }) => {
    isOutside = name === OUTSIDE
    if (isOutside) callsOutside += 1
  })
  return worldEachTest(
    {
      beforeEach: (hook) => {
        beforeEach((about) => {
          if (isOutside && callsOutside > 1) throw new Error(SECOND)
          return hook(runningTest(about))
        })
      },
      afterEach: (hook) => {
        // The property must be checked, because the types of Node.js 20.17 lack `passed`.
        afterEach((about) => hook('passed' in about && about.passed === false, runningTest(about)))
      },
      afterAll: after,
    },
    options,
  )
}

/** The types of Node.js say that a hook before or after each test may get a block of tests. It gets a test. */
function runningTest(about: TestContext | SuiteContext): RunningTest | undefined {
  return 'fullName' in about ? about : undefined
}
