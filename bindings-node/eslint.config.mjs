import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['dist', 'dist-test', 'prebuilt', 'native'] },
  {
    files: ['src/**/*.ts', 'src/**/*.mts', 'test/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // node:test keeps the promises of its own functions.
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', name: ['describe', 'test'], package: 'node:test' }] },
      ],
    },
  },
  {
    files: ['test/json.test.ts', 'test/properties.test.ts'],
    // It does not end on fast-check's types, which nest without end.
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
)
