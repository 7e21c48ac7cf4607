import { runScenario, type RunOptions, type RunResult } from './run.ts';
import type { Scenario } from './scenario.ts';

/** The shortest failing prefix that was found. */
export interface Shrunk {
  readonly operationsMax: number;
  readonly result: RunResult;
}

/**
 * Looks for a shorter run that fails: the same seed, in which no operation begins after the n-th. Up to there it is the same run.
 *
 * Halving only finds one such prefix, not the shortest of all: a longer prefix may be clean where a shorter one fails.
 */
export async function shrink(
  scenario: Scenario,
  options: RunOptions,
  failed: RunResult,
): Promise<Shrunk> {
  let best: Shrunk = { operationsMax: failed.operations, result: failed };
  let least = 1;
  while (least < best.operationsMax) {
    const middle = (least + best.operationsMax) >> 1;
    const result = await runScenario(scenario, { ...options, operationsMax: middle });
    if (result.violations.length > 0) best = { operationsMax: middle, result };
    else least = middle + 1;
  }
  return best;
}
