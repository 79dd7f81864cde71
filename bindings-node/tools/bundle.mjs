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

import { buildSync } from 'esbuild'

const dist = path.join(import.meta.dirname, '..', 'dist')
const code = path.join(dist, 'hightouch-sdk.js')

buildSync({
  entryPoints: [path.join(dist, '..', 'src', 'index.ts')],
  outfile: code,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.17',
  // The packages for platforms contain an addon, which is no JavaScript.
  external: ['hightouch-sdk-*'],
  // Classes keep their names, because users see these names.
  keepNames: true,
  // With --enable-source-maps, Node reads the map, which contains the sources.
  sourcemap: 'linked',
  logLevel: 'warning',
})

const names = Object.keys(createRequire(import.meta.url)(code)).join(', ')
writeFileSync(
  path.join(dist, 'hightouch-sdk.mjs'),
  `import sdk from './import.js'\nexport const { ${names} } = sdk\n`,
)
writeFileSync(
  path.join(dist, 'import.js'),
  "const sdk = require('./hightouch-sdk.js')\nmodule.exports = { ...sdk }\n",
)
