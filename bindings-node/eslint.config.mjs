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
      // The module node:test itself waits for the promises that `describe` and `test` return.
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', name: ['describe', 'test'], package: 'node:test' }] },
      ],
    },
  },
  {
    files: ['src/native.ts'],
    // Bundlers follow a `require` that is written out.
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    files: ['test/json.test.ts', 'test/json-diff.test.ts', 'test/properties.test.ts'],
    // On the types of the library fast-check, which nest without end, this rule would run forever.
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
)
