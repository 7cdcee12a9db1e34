import redos from 'eslint-plugin-redos';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'node_modules/',
      'bench/',
      '.weir/',
      '.stryker-tmp/',
      '**/*.js',
      '**/*.mjs',
      '**/*.cjs',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    // Not `projectService`, which is made for editors: one program for all files takes a fifth less.
    languageOptions: {
      parserOptions: { project: 'tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      // `noUncheckedIndexedAccess` makes every index suspicious; where the bound is known, `!` says so.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // What is left out of a copy has a name, too.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      // It overflows the stack on the recursive types of graphql's input types.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // In a function it loads late what is slow to load, and unlike `createRequire` bundlers find what that is.
      '@typescript-eslint/no-require-imports': 'off',
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Only the places that wire a process read its environment.',
        },
      ],
    },
  },
  {
    // A module that is declared there cannot import from a relative path otherwise.
    files: ['**/*.d.ts'],
    rules: { '@typescript-eslint/consistent-type-imports': 'off' },
  },
  {
    files: ['console/**'],
    languageOptions: { parserOptions: { project: 'console/tsconfig.json' } },
  },
  // Where processes are wired: cli/, and the entry points of the gateway, its options and the subgraph kit.
  {
    files: [
      'cli/**',
      'test/**',
      'gateway/options/index.ts',
      'gateway/process/lambda-handler.ts',
      'gateway/process/start-gateway.ts',
      'subgraphs/kit/process.ts',
      'subgraphs/kit/settings.ts',
    ],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['cli/**', 'console/**', 'gateway/**', 'schema/**', 'subgraphs/**'],
    plugins: { redos },
    rules: {
      // One that is not linear lets whoever writes its text hold the event loop. What cannot be proved is an error, too:
      // the other checker of this rule tries texts by chance. It takes seconds, and a minute beside the tests of CI.
      'redos/no-vulnerable': ['error', { ignoreErrors: false, timeout: 120_000, checker: 'automaton' }],
      'no-restricted-syntax': [
        'error',
        {
          selector: ':matches(NewExpression, CallExpression)[callee.name="RegExp"]',
          message:
            'Nothing proves that a composed regular expression is linear: write it as a literal, or say why it is.',
        },
        {
          selector:
            'CallExpression[callee.property.name="any"] CallExpression[callee.property.name="timeout"]',
          message:
            'On Node 20 this time limit may never come: gateway/subgraph-calls/time-limit.ts says why.',
        },
      ],
    },
  },
  // The rule runs out of stack on the type of graphql-js's visitors, which refers to itself.
  {
    files: ['**/validation-rules.ts'],
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
  {
    files: ['test/**'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // A fifth of the lint of tests, for what a test that runs would show.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
);
