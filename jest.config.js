/**
 * Tests are TypeScript modules, run as they are: swc strips the types, `tsc --noEmit` checks them (npm run check).
 *
 * @type {import('jest').Config}
 */
export default {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: { parser: { syntax: 'typescript' }, target: 'es2024' },
        module: { type: 'es6' },
      },
    ],
  },
  testEnvironment: 'node',
  // Starting real databases is slow on a small machine; a pure test that needs a minute has a bug of its own.
  testTimeout: 60_000,
  // Integration suites start three Postgres each: more than two at a time only makes them wait for each other.
  maxWorkers: 2,
  // What a worker leaves open shows within this time as well; after half a second, the usual, a busy machine alone
  // is taken for it: a process of half a gigabyte is not torn down sooner.
  workerGracefulExitTimeout: 10_000,
  testSequencer: '<rootDir>/jest.sequencer.js',
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.quorate/'],
};
