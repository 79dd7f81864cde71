// Bundles the modules of `dist` into the files that the package ships. A program that imports the package starts faster
// when Node reads one file than when it reads thirty.
//
// dist/hightouch-sdk.js   the code, as CommonJS, with a source map
// dist/hightouch-sdk.mjs  for `import`: names the exports of dist/import.js
// dist/import.js          an object with the exports of the code
//
// When a program imports a CommonJS file, Node searches the file for exports. In the whole code, this search takes
// longer than the rest of the import, so dist/hightouch-sdk.mjs imports the two lines of dist/import.js instead. The
// object in dist/import.js lacks `__esModule`, because bundlers interpret `__esModule` in different ways.

import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

import { buildSync, transformSync } from 'esbuild'

const dist = path.join(import.meta.dirname, '..', 'dist')
const code = path.join(dist, 'hightouch-sdk.js')
const exportsOf = (module) =>
  Object.keys(createRequire(import.meta.url)(path.join(dist, module)))
    .sort()
    .join(', ')
const names = exportsOf('index.js')
const resources = exportsOf('resources.js')

// Assigning `module.exports` makes plain properties. From an `export`, esbuild would make two getters for each name.
// Creating them takes longer than running the code of any module.
//
// esbuild renames a class that mentions itself, and the bundler of a user may rename every class. Users see the names
// of classes, so the entry sets these names. The option `keepNames` of esbuild would set the name of every function.
const entry = `'use strict'
import { ${names} } from './index.js'
import { ${resources} } from './resources.js'
module.exports = { ${names} }
Object.defineProperty(module.exports, '__esModule', { value: true })
for (const [name, value] of Object.entries({ ...module.exports, ${resources} }))
  if (typeof value === 'function') Object.defineProperty(value, 'name', { value: name, configurable: true })
`

// esbuild keeps some comments unless it removes white space too.
const [{ text: compact }] = buildSync({
  stdin: { contents: entry, resolveDir: path.join(dist, '..', 'src'), sourcefile: '../src/bundle.js' },
  outfile: code,
  write: false,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.17',
  // The packages for platforms contain an addon, which is no JavaScript.
  external: ['hightouch-sdk-*'],
  minifyWhitespace: true,
  sourcemap: 'inline',
  logLevel: 'warning',
}).outputFiles

// Stack traces name lines, so the code gets its lines back. With --enable-source-maps, Node reads the map, which
// contains the sources.
const pretty = transformSync(compact, {
  target: 'node20.17',
  sourcemap: true,
  sourcefile: code,
  logLevel: 'warning',
})
writeFileSync(code, `${pretty.code}//# sourceMappingURL=hightouch-sdk.js.map\n`)
writeFileSync(`${code}.map`, pretty.map)

writeFileSync(
  path.join(dist, 'hightouch-sdk.mjs'),
  `import sdk from './import.js'\nexport const { ${names} } = sdk\n`,
)
writeFileSync(
  path.join(dist, 'import.js'),
  "const sdk = require('./hightouch-sdk.js')\nmodule.exports = { ...sdk }\n",
)
