import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'

import * as ts from 'typescript'

import { nodes } from './project.js'
import { assigned, emptyFolder, ROOT, useSandbox } from './support.js'

/** The folder of the examples. It is within the package, so that the examples can import the package by its name. */
const FOLDER = path.join(__dirname, 'examples')
const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.Node16,
  types: ['node'],
}

/** Returns the pages and the sources that may have examples, as paths from the repository's root. */
function pages(): string[] {
  const filesOf = (folder: string, end: string): string[] =>
    readdirSync(path.join(ROOT, folder))
      .filter((name) => name.endsWith(end))
      .map((name) => path.join(folder, name))
  return [
    'README.md',
    'bindings-node/README.md',
    ...filesOf('docs', '.md'),
    ...filesOf('bindings-node/src', '.ts'),
  ]
}

/** Returns the examples for Node.js. The name of each consists of its page and its number on that page. */
function examples(): [name: string, code: string][] {
  return pages().flatMap((page) => {
    const text = readFileSync(path.join(ROOT, page), 'utf8').replace(/^ *\* ?/gm, '')
    // Skips a block that has a file name in its first line. It is part of a project, which stranger.test.ts runs.
    // "Node.js" is no file name.
    const blocks = [...text.matchAll(/^```(?:js|ts)\n(?!\/\/ (?!Node\.js\n)[\w.]+\n)(.*?)^```$/gms)]
    return blocks.map(([, code = ''], index): [string, string] => [
      `${page.replace(/[./]/g, '-')}-${String(index + 1)}`,
      completed(code),
    ])
  })
}

/** Adds the import and the client if an example lacks them. An earlier example on the same page may have them. */
function completed(code: string): string {
  const parts = [code]
  if (!code.includes('new Hightouch(')) parts.unshift('const ht = new Hightouch()\n')
  if (!/import .*\bHightouch\b/.test(code)) parts.unshift("import { Hightouch } from 'hightouch-sdk'\n")
  return parts.join('')
}

/** Incident: the first example was a SyntaxError on Node 20 and 22, and the one about JSON failed `tsc --strict`. */
describe('an example of the documentation', { concurrency: 3 }, () => {
  const { world } = useSandbox()
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER)
  const files = examples().map(([name, code]) => {
    const file = path.join(FOLDER, `${name}.mts`)
    writeFileSync(file, code)
    const { outputText } = ts.transpileModule(code, {
      compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext },
    })
    writeFileSync(file.replace(/\.mts$/, '.mjs'), outputText)
    return file
  })

  test('is found', () => {
    assert(files.length >= 15)
    const codes = new Set(examples().map(([, code]) => code))
    for (const [page, code] of assigned('bindings-node/test/examples.test.ts'))
      assert(codes.has(completed(code)), `${page}: ${code}`)
  })

  test('compiles as strict TypeScript', () => {
    const program = ts.createProgram(files, OPTIONS)
    const host = { getCanonicalFileName: String, getCurrentDirectory: () => ROOT, getNewLine: () => '\n' }
    assert.equal(ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), host), '')
  })

  for (const node of nodes()) {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
    for (const file of files) {
      test(`runs on Node ${version} as it stands: ${path.basename(file, '.mts')}`, async () => {
        const home = await world({ syncs: 10, slugs: ['orders-to-salesforce'], runs: { seconds: 1 } })
        const cwd = emptyFolder()
        // Some examples create a folder below the one for temporary files.
        const own = { HIGHTOUCH_API_KEY: home.apiKey, HIGHTOUCH_BASE_URL: home.httpBaseUrl, TMPDIR: cwd }
        const env = { ...process.env, ...own }
        const script = file.replace(/\.mts$/, '.mjs')
        const { stderr } = await promisify(execFile)(node, [script], { env, cwd, timeout: 300_000 })
        assert.equal(stderr, '')
      })
    }
  }
})
