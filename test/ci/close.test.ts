import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';

const folder = mkdtempSync(join(tmpdir(), 'quorate-ci-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A report as jest writes it: a file, and how each of its tests ended. */
function report(name: string, files: Readonly<Record<string, readonly string[]>>): string {
  const testResults = Object.entries(files).map(([file, ends]) => ({
    name: file,
    status: ends.length === 0 || ends.includes('failed') ? 'failed' : 'passed',
    assertionResults: ends.map((status) => ({ status })),
  }));
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify({ testResults }));
  return path;
}

function close(...args: readonly string[]): { lines: string[]; code: number | null } {
  const { stdout, status } = spawnSync(process.execPath, ['.ci/close.ts', 'close', ...args]);
  return { lines: stdout.toString().trimEnd().split('\n'), code: status };
}
const again = (path: string): string =>
  execFileSync(process.execPath, ['.ci/close.ts', 'again', path]).toString();

test('what passed and what failed is counted, and a file that could not be loaded is one failure', () => {
  const path = report('whole', { a: ['passed', 'failed', 'pending'], b: [], c: ['passed'] });
  const { lines, code } = close(path, '', '0', '1');
  expect(lines).toEqual(['1 skipped', '2 passed, 2 failed']);
  expect(code).toBe(1);
});

test('a file that passes alone is named, and counts as its second run says', () => {
  const first = report('first', { a: ['passed', 'failed'], b: ['passed'] });
  const { lines, code } = close(first, report('second', { a: ['passed', 'passed'] }), '0', '0');
  expect(lines).toEqual([
    'flaky: a failed among the others and passed alone',
    '3 passed, 0 failed',
  ]);
  expect(code).toBe(0);
});

test('one that fails again is a failure, and so are a step and a jest that fails without a reason', () => {
  const first = report('first', { a: ['failed'], b: ['passed'] });
  expect(close(first, report('second', { a: ['failed'] }), '0', '1')).toEqual({
    lines: ['1 passed, 1 failed'],
    code: 1,
  });
  const well = report('well', { b: ['passed'] });
  expect(close(well, '', '1', '0').lines).toEqual(['1 passed, 1 failed']);
  expect(close(well, '', '0', '1').code).toBe(1);
});

test('no report, or no test at all, is no pass', () => {
  expect(close(join(folder, 'none'), '', '0', '0').code).toBe(1);
  expect(close(report('empty', {}), '', '0', '0').lines).toContain('no test passed');
});

test('three files are run again; four are no accident', () => {
  const failed = { a: ['failed'], b: ['failed', 'passed'], c: [] as string[], d: ['passed'] };
  expect(again(report('three', failed))).toBe('a\nb\nc\n');
  expect(again(report('four', { ...failed, d: ['failed'] }))).toBe('');
});
