import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { levels } from '../../src/consistency/levels.ts';
import { checkLinearizable } from '../simulation/checkers/linearizable.ts';
import { checkQuorum } from '../simulation/checkers/quorum.ts';
import type { Operation } from '../simulation/history.ts';
import { runSoak, type SoakResult } from '../soak/soak.ts';

/** Those that are over in seconds; replaced and full disks have tests of their own. */
const kinds = [
  'kill of a replica',
  'freeze of a replica',
  'kill of a gateway',
  'cuts after COMMIT',
  'one-way black hole',
  'clock step of a gateway',
] as const;

/** The short form of `npm run soak`: two gateway processes, three databases, faults of all these kinds. */
describe('a short soak', () => {
  const directory = mkdtempSync(join(tmpdir(), 'quorate-soak-test-'));
  const file = join(directory, 'history.jsonl');
  const seed = Number(process.env['QUORATE_TEST_SEED'] ?? Date.now() % 1_000_000);
  let result: SoakResult;
  let history: readonly Operation[];

  beforeAll(async () => {
    result = await runSoak(
      {
        minutes: 20 / 60,
        clients: 8,
        seed,
        history: file,
        operations: undefined,
        quiet: true,
        fast: true,
        kinds,
      },
      { say: () => undefined },
    );
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    history = lines.map((line) => JSON.parse(line) as Operation);
  }, 180_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test(`finds no violation (seed ${seed})`, () => {
    const found = result.verdicts.flatMap(({ group, checker, violations }) =>
      violations.map((violation) => `${group}, ${checker}: ${violation}`),
    );
    expect(found).toEqual([]);
  });

  test('sees a fault of every kind', () => {
    expect([...result.faults.keys()].toSorted()).toEqual(kinds.toSorted());
  });

  test('reads and writes at every level', () => {
    for (const level of Object.keys(levels)) {
      expect(result.counts.get(`${level} read`)?.ok).toBeGreaterThan(0);
      expect(result.counts.get(`${level} write`)?.ok).toBeGreaterThan(0);
    }
  });

  test('writes every operation down', () => {
    expect(history).toHaveLength(result.operations);
    for (const { process, op, key, start, end, status } of history) {
      expect(['read', 'write', 'cas', 'delete']).toContain(op);
      expect([typeof process, typeof start]).toEqual(['number', 'number']);
      expect(key).toMatch(/^\w+\/k\d+$/);
      expect(status === 'unknown' ? undefined : typeof end).toBe(
        status === 'unknown' ? undefined : 'number',
      );
    }
  });

  test('would be noticed: a history in which one read shows an older value is illegal', () => {
    const staleOn = (keyspace: string): readonly Operation[] => {
      const own = history.filter(({ key }) => key.startsWith(`${keyspace}/`));
      const reads = own.filter(({ op, status, value }) => {
        return op === 'read' && status === 'ok' && typeof value === 'number';
      });
      // The last of three reads of one key, one after the other, shows what the first one showed.
      for (const last of reads.toReversed()) {
        const before = reads.filter(({ key, end }) => key === last.key && end! < last.start);
        const middle = before.at(-1);
        const first = before.find(
          ({ value, end }) => value !== middle?.value && end! < middle!.start,
        );
        if (first) return own.map((one) => (one === last ? { ...one, value: first.value! } : one));
      }
      throw new Error(`no key of ${keyspace} was read often enough`);
    };
    expect(checkLinearizable(staleOn('locks'))).toHaveLength(1);
    expect(checkQuorum(staleOn('orders'))).not.toEqual([]);
  });
});
