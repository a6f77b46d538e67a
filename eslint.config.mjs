import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const NO_DEFAULT_EXPORT = {
  restrictDefaultExports: { direct: true, named: true, defaultFrom: true, namedFrom: true, namespaceFrom: true },
};

// What would make a step of the core depend on anything but its state and its event.
const IMPURE_GLOBALS = [
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'Promise'],
  ...['Date', 'performance', 'crypto', 'process', 'fetch', 'console'],
];

// Each call leaves a trace at every signal that outlives it: 50 MB a day in a program that polls.
const ANY_SIGNAL = {
  object: 'AbortSignal',
  property: 'any',
  message: 'Use patience() of @dpr/runtime/time-limit, and end it with the call.',
};

// A function fits a screen; one that only puts the parts of a process together may be longer, up to this.
const MAX_FUNCTION_LINES = 115;

export default defineConfig(
  { ignores: ['dist/', 'coverage/', '**/.dpr/'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-restricted-properties': ['error', ANY_SIGNAL],
      'no-restricted-exports': ['error', NO_DEFAULT_EXPORT],
      'no-undef': 'off', // the type checker knows better
      '@typescript-eslint/consistent-type-definitions': 'off', // both read well, each in its place
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'with-single-extends' }], // such an interface is a name
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: false },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ['services/**/*.{ts,tsx}', 'infra/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: ':matches(CallExpression, NewExpression) > SpreadElement',
          message: '100,000 items overflow the stack: use a loop, reduce, or append and largest of @dpr/core.',
        },
      ],
    },
  },
  {
    files: ['services/**/*.{ts,tsx}', 'infra/**/*.ts'],
    rules: {
      'max-lines-per-function': ['error', { max: MAX_FUNCTION_LINES, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['services/core/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...IMPURE_GLOBALS],
      'no-restricted-properties': ['error', ANY_SIGNAL, { object: 'Math', property: 'random' }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // mocha's describe and it return nothing to wait for, and assertions narrow less than the rules would like
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-unnecessary-condition': 'off',
    },
  },
  {
    files: ['infra/**/*.mjs', 'scripts/**/*.mjs'],
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off' }, // the rule does not see the casts that JSDoc writes
  },
  { files: ['eslint.config.mjs'], rules: { 'no-restricted-exports': 'off' } },
);
