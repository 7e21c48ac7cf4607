import type { Control } from './controls/controls.ts';
import { runScenario } from './run.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';

/** What became of one control. */
export interface CaughtControl {
  readonly control: Control;
  /** How many seeds it took; undefined when it was not caught. */
  readonly seeds: number | undefined;
  /** The checker's first sentence. */
  readonly sentence: string;
}

/** Runs a broken product, seed after seed, until its checker notices or its bound is reached. */
export async function catchControl(
  control: Control,
  firstSeed: number,
  onRun: () => void = () => undefined,
): Promise<CaughtControl> {
  const scenario = scenarioNamed(control.scenario);
  for (let run = 0; run < control.within; run += 1) {
    const seed = firstSeed + run;
    const { violations } = await runScenario(scenario, { seed, defects: control.defects() });
    onRun();
    const [sentence] = violations;
    if (sentence !== undefined) return { control, seeds: run + 1, sentence };
  }
  return { control, seeds: undefined, sentence: '' };
}

/** Throws with the names that there are, when there is no such scenario. */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found) return found;
  const names = scenarios.map((scenario) => scenario.name).join(', ');
  throw new Error(`there is no scenario "${name}": there are ${names}`);
}
