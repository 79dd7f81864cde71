/// <reference types="node" preserve="true" />

/** The types of the package for `import`. `tools/bundle.mjs` writes the JavaScript that `import` loads. */

export * from './index.js'
