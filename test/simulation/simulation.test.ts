import { describe, expect, test } from '@jest/globals';
import { scenarioNamed } from './catch.ts';
import { controls } from './controls/controls.ts';
import type { ReplicaOptions } from './controls/defects.ts';
import { RepeatingReplica } from './controls/replicas.ts';
import { runScenario } from './run.ts';
import { scenarios } from './scenarios.ts';
import { shrink } from './shrink.ts';

// More seeds: npm run simulate -- --all --runs 2000, and npm run simulate -- --controls
const seeds = [1, 2, 3, 4];

describe.each(scenarios.map(({ name, promise }) => ({ name, promise })))('$promise', ({ name }) => {
  const scenario = scenarioNamed(name);

  test(`holds in every storm of ${name}`, async () => {
    for (const seed of seeds) {
      const { violations, operations } = await runScenario(scenario, { seed });
      expect({ seed, violations }).toEqual({ seed, violations: [] });
      expect(operations).toBeGreaterThan(20);
    }
  });

  test(`the same seed of ${name} gives the same trace, byte for byte`, async () => {
    const first = await runScenario(scenario, { seed: 7, trace: 'hash' });
    const second = await runScenario(scenario, { seed: 7, trace: 'hash' });
    expect(second.traceHash).toBe(first.traceHash);
    expect(second.history).toEqual(first.history);
    const other = await runScenario(scenario, { seed: 8, trace: 'hash' });
    expect(other.traceHash).not.toBe(first.traceHash);
    expect([...first.violations, ...other.violations]).toEqual([]);
  });
});

describe('hints that are delivered twice, out of order, and by several at once', () => {
  test.each(['handoff', 'sloppy'])('do no harm in %s', async (name) => {
    const scenario = scenarioNamed(name);
    const defects = { replica: (options: ReplicaOptions) => new RepeatingReplica(options) };
    for (const seed of seeds) {
      const { violations } = await runScenario(scenario, { seed, defects });
      expect({ seed, violations }).toEqual({ seed, violations: [] });
    }
  });
});

describe('a failing run', () => {
  test('is made shorter, and its beginning is the same run', async () => {
    const control = controls.find(({ scenario }) => scenario === 'one-lww')!;
    const scenario = scenarioNamed(control.scenario);
    const options = { seed: 1, defects: control.defects() };
    const failed = await runScenario(scenario, options);
    expect(failed.violations).not.toEqual([]);
    const { operationsMax, result } = await shrink(scenario, options, failed);
    expect(operationsMax).toBeLessThan(failed.operations);
    expect(result.violations).not.toEqual([]);
    const begun = ({ op, key, start }: { op: string; key: string; start: number }) => ({
      op,
      key,
      start,
    });
    const prefix = failed.history.slice(0, operationsMax).map(begun);
    expect(result.history.slice(0, operationsMax).map(begun)).toEqual(prefix);
  });
});
