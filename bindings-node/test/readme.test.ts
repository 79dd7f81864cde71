import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'

import * as ts from 'typescript'

import { ROOT, useSandbox } from './support.js'

/** Inside of the package, so that its name means the package itself. */
const FOLDER = path.join(__dirname, 'readme')
/** What stands before an example that goes on from an earlier one. */
const BEFORE = "import { Hightouch } from 'hightouch-sdk'\nconst ht = new Hightouch()\n"
const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.Node16,
  types: ['node'],
}

/** The examples for Node, as modules. */
function examples(): string[] {
  const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8')
  return [...readme.matchAll(/^```(?:js|ts)\n(.*?)^```$/gms)].map(([, code = '']) =>
    code.includes('new Hightouch(') ? code : BEFORE + code,
  )
}

/** Incident: the first example was a SyntaxError on Node 20 and 22, and the one about JSON failed `tsc --strict`. */
describe('an example of the README', () => {
  const { world } = useSandbox()
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER)
  const files = examples().map((code, index) => {
    const file = path.join(FOLDER, `example-${String(index + 1)}.mts`)
    writeFileSync(file, code)
    return file
  })

  test('is there', () => {
    assert(files.length >= 3)
  })

  test('compiles as strict TypeScript', () => {
    const program = ts.createProgram(files, OPTIONS)
    const host = { getCanonicalFileName: String, getCurrentDirectory: () => ROOT, getNewLine: () => '\n' }
    assert.equal(ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), host), '')
  })

  for (const file of files) {
    test(`runs as it stands: ${path.basename(file)}`, async () => {
      const home = await world({ syncs: 10, slugs: ['orders-to-salesforce'], runs: { seconds: 1 } })
      const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
        compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext },
      })
      const script = file.replace(/\.mts$/, '.mjs')
      writeFileSync(script, outputText)
      const env = { ...process.env, HIGHTOUCH_API_KEY: home.apiKey, HIGHTOUCH_BASE_URL: home.httpBaseUrl }
      const { stderr } = await promisify(execFile)(process.execPath, [script], { env, timeout: 60_000 })
      assert.equal(stderr, '')
    })
  }
})
