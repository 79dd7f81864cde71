/** The types of the package for `import`. `tools/bundle.mjs` writes the code. */

export * from './index.js'
