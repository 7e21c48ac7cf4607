/**
 * Reads what jest reported: `again REPORT` prints the files that failed, one a line, when they are few enough to be run again;
 * `close REPORT SECOND STEPS_FAILED JEST_FAILED` prints the closing line, and ends with 1 when anything failed or nothing ran.
 *
 * Why there is a second run, and its bounds: docs/decisions/0035-second-run.md.
 */
import { readFileSync } from 'node:fs';

interface FileReport {
  readonly name: string;
  readonly status: string;
  readonly assertionResults: readonly { readonly status: string }[];
}

const mostRunAgain = 3;

function filesOf(path: string): readonly FileReport[] | undefined {
  try {
    const { testResults } = JSON.parse(readFileSync(path, 'utf8')) as { testResults: FileReport[] };
    return testResults;
  } catch {
    return undefined;
  }
}

const hasFailed = ({ status }: FileReport): boolean => status === 'failed';

/** A file that could not even be loaded has no tests to count: it counts as one failed. */
const isUnloaded = (file: FileReport): boolean =>
  hasFailed(file) && !file.assertionResults.some(({ status }) => status === 'failed');

function count(files: readonly FileReport[], wanted: string): number {
  return files
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === wanted).length;
}

function again(path = ''): void {
  const failed = (filesOf(path) ?? []).filter(hasFailed);
  if (failed.length <= mostRunAgain) for (const { name } of failed) console.log(name);
}

function close([path = '', secondPath = '', stepsFailed = '0', jestFailed = '0']: string[]): void {
  const first = filesOf(path);
  if (!first) console.log('jest wrote no report');
  const second = filesOf(secondPath) ?? [];
  const files = (first ?? []).map((file) => second.find(({ name }) => name === file.name) ?? file);
  for (const { name } of second.filter((file) => !hasFailed(file)))
    console.log(`flaky: ${name} failed among the others and passed alone`);
  const passed = count(files, 'passed');
  const skipped = count(files, 'pending');
  const testsFailed = count(files, 'failed') + files.filter(isUnloaded).length;
  // When jest says that it failed and its reports do not say where, that is one failure too.
  const failed = Math.max(testsFailed, Number(jestFailed)) + Number(stepsFailed);
  if (skipped > 0) console.log(`${skipped} skipped`);
  if (passed === 0) console.log('no test passed');
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

const [, , act, ...args] = process.argv;
if (act === 'again') again(args[0]);
else close(args);
