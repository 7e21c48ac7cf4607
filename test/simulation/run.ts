import type { Defects } from './controls/defects.ts';
import type { Operation } from './history.ts';
import { hangs } from './checkers/hangs.ts';
import { usual, type Scenario, type Violations } from './scenario.ts';
import { AntiEntropy } from './world/anti-entropy.ts';
import { Nemesis } from './world/nemesis.ts';
import { Stuck } from './world/schedule.ts';
import { World } from './world/world.ts';

/** One run, from its seed. */
export interface RunOptions {
  readonly seed: number;
  readonly operationsMax?: number;
  readonly trace?: 'none' | 'hash' | 'lines';
  readonly defects?: Defects;
}

export interface RunResult {
  readonly violations: Violations;
  readonly history: readonly Operation[];
  readonly operations: number;
  readonly events: number;
  readonly traceHash: string;
  readonly trace: readonly string[];
}

/** The longest run, in virtual ms: whoever is not done by then hangs. */
const limitMs = 300_000;
/** The longest background work of the product: repairs and forwards that are under way when clients stop. */
const quietMs = 6_000;

/** Runs one scenario from one seed, and checks what came of it. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<RunResult> {
  const world = new World({
    ...usual,
    ...scenario.setting,
    seed: options.seed,
    operationsMax: options.operationsMax ?? Infinity,
    trace: options.trace ?? 'none',
    defects: options.defects ?? {},
  });
  const violations: string[] = [];
  try {
    await world.schedule.run(live(scenario, world), limitMs);
    violations.push(...hangs(world.history.operations), ...scenario.check(world));
  } catch (error) {
    if (!(error instanceof Stuck)) throw error;
    violations.push(...hangs(world.history.operations), `the run hangs: ${error.message}`);
  }
  return {
    violations: [...world.problems, ...violations],
    history: world.history.operations,
    operations: world.operations,
    events: world.schedule.events,
    traceHash: world.trace.hash(),
    trace: world.trace.lines,
  };
}

async function live(scenario: Scenario, world: World): Promise<void> {
  await scenario.setup(world);
  const repair = new AntiEntropy(world);
  const nemesis = scenario.faults && new Nemesis(world, scenario.faults, repair);
  world.storm();
  const { repairEveryMs, repairLoops = 2 } = scenario;
  if (repairEveryMs !== undefined) repair.start(repairEveryMs, repairLoops);
  void nemesis?.run();
  await scenario.clients(world);
  nemesis?.stop();
  repair.stop();
  world.calm();
  await world.sleep(quietMs);
  // A fault that was about to end may have begun after the calm.
  world.calm();
  if (scenario.healsWithinMs !== undefined) await world.sleep(scenario.healsWithinMs);
  else if (!scenario.withoutAntiEntropy) await repair.settle();
  if (!scenario.afterwards) return;
  world.afterwards();
  await scenario.afterwards(world);
  if (!scenario.withoutAntiEntropy) await repair.settle();
}
