/** The package for `import`. The code is CommonJS, so that each class exists once. */

export * from './jest.js'
