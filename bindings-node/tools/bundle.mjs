// Bundles the modules of `dist` into the files that the package ships. A program that imports the package starts faster
// when Node reads one file than when it reads thirty.
//
// dist/hightouch-sdk.js   the code, as CommonJS, with a source map
// dist/hightouch-sdk.mjs  for `import` in Node: loads the CommonJS file by `require`. A static import of it would make
//                         Node compile its parser for CommonJS exports first, which takes longer than the rest of the
//                         import.
// dist/bundlers.mjs       for `import` in bundlers, which must see a static import

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
  // Classes keep their names, because users see these names.
  keepNames: true,
  // Node reads the map with --enable-source-maps. It contains the sources.
  sourcemap: 'linked',
  logLevel: 'warning',
})

const names = Object.keys(createRequire(import.meta.url)(code)).join(', ')
writeFileSync(
  path.join(dist, 'hightouch-sdk.mjs'),
  `import { createRequire } from 'node:module'
export const { ${names} } = createRequire(import.meta.url)('./hightouch-sdk.js')
`,
)
writeFileSync(path.join(dist, 'bundlers.mjs'), `export { ${names} } from './hightouch-sdk.js'\n`)
