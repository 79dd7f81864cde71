import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'

import { play, type Scenario } from './player.js'
import { ROOT, useSandbox } from './support.js'

const folder = process.env.HIGHTOUCH_SCENARIOS ?? path.join(ROOT, 'build', 'scenarios')
const files = readdirSync(folder).filter((name) => name.endsWith('.json'))

describe('scenarios', { concurrency: 4 }, () => {
  const { sandbox, world } = useSandbox()

  test('there are scenarios to play', () => {
    assert(files.length > 0)
  })

  for (const file of files) {
    const scenario = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Scenario
    test(scenario.name, async () => {
      await play(path.basename(file, '.json'), scenario, sandbox, await world(scenario.world))
    })
  }
})
