/** Compiles programs that use the packages with several versions of TypeScript. */

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'

import { Project } from './project.js'

const VERSIONS = ['5.9.3', '6.0.3', '7.0.2']

const PROGRAM = `
import { Hightouch } from 'hightouch-sdk'
import { World } from 'hightouch-sandbox'
import { useWorld } from 'hightouch-sandbox/node-test'
import { useWorld as inJest } from 'hightouch-sandbox/jest'

// @ts-expect-error a Readable is no number
export const stream: number = new Hightouch().syncs.list().toCSV()
// @ts-expect-error the signal is an AbortSignal
void new Hightouch().syncs.get(1, { signal: 1 })
export const all = [World, useWorld, inJest]
`

/** Incident: from version 6 on, TypeScript loads no types of Node.js by itself, and a stream had the type any. */
describe('a program without the option types', () => {
  const project = new Project()
  before(async () => {
    const compilers = VERSIONS.map((version) => `typescript-${version}@npm:typescript@${version}`)
    await project.install('@types/node@20.19.43', ...compilers)
    project.write('import.mts', PROGRAM)
    project.write('require.cts', PROGRAM)
  })

  for (const version of VERSIONS) {
    for (const check of ['--skipLibCheck', '--skipLibCheck=false']) {
      test(`compiles with TypeScript ${version} and ${check}`, async () => {
        const tsc = project.file(`node_modules/typescript-${version}/bin/tsc`)
        const options = '--noEmit --strict --module node16 --target es2022 --lib es2023,esnext.disposable'
        const [flag = '', value = 'true'] = check.split('=')
        const files = ['import.mts', 'require.cts']
        const { output } = await project.run('node', [tsc, ...options.split(' '), flag, value, ...files])
        assert.equal(output, '')
      })
    }
  }
})
