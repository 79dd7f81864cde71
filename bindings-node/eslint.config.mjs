import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['**/dist', 'dist-test', 'prebuilt', 'native'] },
  {
    files: ['src/**/*.ts', 'src/**/*.mts', 'sandbox/src/**/*.ts', 'sandbox/src/**/*.mts', 'test/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // `describe` and `test` return promises that need no await, because the module node:test waits for them.
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', name: ['describe', 'test'], package: 'node:test' }] },
      ],
    },
  },
  {
    files: ['src/native.ts'],
    // Bundlers find a package only if the argument of `require` is the name of the package itself, not a variable.
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    files: ['test/json.test.ts', 'test/json-diff.test.ts', 'test/properties.test.ts'],
    // The types of the library fast-check nest without end, so this rule would run forever on them.
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
)
