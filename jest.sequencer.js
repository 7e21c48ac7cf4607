/** Those that take longest come first, and longest first, so that no worker is left alone with one at the end. */
const slowest = [
  'local-cluster/embedded',
  'simulation/simulation',
  'integration/dev-command',
  'integration/soak-short',
  'integration/comeback',
  'integration/shutdown',
  'simulation/controls',
  'integration/incarnations',
  'integration/identity',
  'integration/levels',
  'integration/hints',
  'integration/changes',
  'integration/anti-entropy',
  'integration/apollo-session',
  'integration/quotas',
  'integration/reaper',
  'integration/outcomes',
];

/**
 * A clone that has never been tested has no record of how long each file takes: jest would go by their
 * sizes.
 */
export default class SlowestFirst {
  /**
   * @template {{ readonly path: string }} Test
   * @param {readonly Test[]} tests
   * @returns {readonly Test[]}
   */
  sort(tests) {
    return tests.toSorted((a, b) => placeOf(a.path) - placeOf(b.path));
  }

  /**
   * @template {{ readonly path: string }} Test
   * @param {readonly Test[]} tests
   * @returns {readonly Test[]}
   */
  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {
    // nothing is remembered: the order is the one above
  }
}

/**
 * @param {string} path
 * @returns {number}
 */
function placeOf(path) {
  const found = slowest.findIndex((name) => path.endsWith(`/${name}.test.ts`));
  if (found >= 0) return found;
  return slowest.length + (path.includes('/integration/') ? 0 : 1);
}
