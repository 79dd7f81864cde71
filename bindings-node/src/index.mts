/** The same package for `import`: it re-exports the one build, so that a class is the same class either way. */

export * from './index.js'
