/// <reference types="node" preserve="true" />

/** Gives each test of Jest a world of its own: a workspace of the sandbox. */

import { afterAll, afterEach, beforeEach } from '@jest/globals'

import { worldEachTest, type Runner } from './hooks.js'
import type { World, WorldOptions } from './world.js'

/**
 * Gives each test of this file, or of the block that calls `useWorld`, a world of its own.
 *
 * `new Hightouch()` uses this world during the test, because `HIGHTOUCH_API_KEY` and `HIGHTOUCH_BASE_URL` are set. So
 * the test cannot reach a real workspace. After the test, the sandbox checks the requests that the world received, and
 * the test fails if a request is wrong. Tests of one file must not run at the same time, because they share the
 * environment variables.
 *
 * @param options Settings of the worlds.
 * @returns A function that returns the world of the current test. The function throws an Error outside of tests.
 * @throws TypeError if a setting is unknown or wrong.
 */
export function useWorld(options: WorldOptions = {}): () => World {
  const runner: Runner = {
    // The functions that Jest gets must not declare a parameter, because Jest would pass them a callback and wait for
    // that.
    beforeEach: (hook) => {
      beforeEach(() => hook())
    },
    // Jest does not tell a hook whether the test failed.
    afterEach: (hook) => {
      afterEach(() => hook(false))
    },
    afterAll,
  }
  return worldEachTest(runner, options)
}
