/** The types of Jest and Vitest that this package uses. The test runners themselves are not installed here. */

declare module '@jest/globals' {
  export const beforeEach: (hook: () => Promise<void>) => void
  export const afterEach: (hook: () => Promise<void>) => void
  export const afterAll: (hook: () => Promise<void>) => void
}

declare module 'vitest' {
  export const beforeEach: (hook: () => Promise<void>) => void
  export const afterEach: (hook: (about: { task: { result?: { state: string } } }) => Promise<void>) => void
  export const afterAll: (hook: () => Promise<void>) => void
}
