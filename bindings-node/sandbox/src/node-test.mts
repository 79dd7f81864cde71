/// <reference types="node" preserve="true" />

/** The entry for `import`. It loads the CommonJS code that `require` loads too, so that each class exists once. */

export * from './node-test.js'
