import { writeFileSync } from 'node:fs';
import { catchControl, scenarioNamed, type CaughtControl } from './catch.ts';
import { controls, type Control } from './controls/controls.ts';
import { printHistory } from './history.ts';
import { parseOptions, usage, type Options } from './options.ts';
import { Progress, type Output } from './progress.ts';
import { runScenario, type RunOptions, type RunResult } from './run.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import { shrink } from './shrink.ts';
import { markdownTable } from './table.ts';

// Thousands of replicas fail in every second of a run, as they should; where in the code is of no use.
Error.stackTraceLimit = 0;

const output: Output = {
  isTerminal: process.stdout.isTTY,
  write: (text) => void process.stdout.write(text),
};

async function main(): Promise<boolean> {
  const options = parseOptions(process.argv.slice(2), 1 + (Date.now() % 1_000_000));
  if (options.help) {
    output.write(usage);
    return true;
  }
  if (options.controls) return runControls(options);
  if (options.table) {
    output.write(`${markdownTable([])}\n`);
    return true;
  }
  const chosen = options.scenario === undefined ? scenarios : [scenarioNamed(options.scenario)];
  output.write(`seed ${options.seed}, ${options.runs} run(s) each\n`);
  let clean = true;
  for (const scenario of chosen) clean = (await runSeeds(scenario, options)) && clean;
  return clean;
}

/** Runs one scenario from seed to seed; stops at the first run that fails. */
async function runSeeds(scenario: Scenario, options: Options): Promise<boolean> {
  const progress = new Progress(output, scenario.name, options.runs);
  const startMs = performance.now();
  let operations = 0;
  for (let run = 0; run < options.runs; run += 1) {
    const how = runOptions(options, options.seed + run);
    const result = await runScenario(scenario, how);
    operations += result.operations;
    if (run === options.runs - 1) keep(result, options);
    if (result.violations.length > 0) {
      progress.end(`${scenario.name}: FAILED at seed ${how.seed}`);
      await explain(scenario, { how, result, options });
      return false;
    }
    progress.step();
  }
  const seconds = (performance.now() - startMs) / 1000;
  const speed = `${seconds.toFixed(1)} s, ${(options.runs / seconds).toFixed(0)} runs/s`;
  progress.end(
    `${scenario.name.padEnd(16)} ok: ${options.runs} runs, ${operations} operations, ${speed}`,
  );
  return true;
}

/** Prints the seed, what the checker says, the shortest failing prefix that was found, and how to see it again. */
async function explain(
  scenario: Scenario,
  failed: { how: RunOptions; result: RunResult; options: Options },
): Promise<void> {
  const { how, result, options } = failed;
  const short =
    how.operationsMax === undefined
      ? await shrink(scenario, how, result)
      : { operationsMax: how.operationsMax, result };
  keep(short.result, options);
  const sentences = short.result.violations
    .slice(0, 5)
    .map((sentence) => `  ${sentence.slice(0, 1_000)}\n`);
  output.write(sentences.join(''));
  output.write(
    `  ${result.operations} operations; the first ${short.operationsMax} are enough. To see it again:\n`,
  );
  const control = options.control === undefined ? '' : ` --control '${options.control}'`;
  const named = control === '' ? ` --scenario ${scenario.name}` : control;
  output.write(
    `  npm run simulate --${named} --seed ${how.seed} --operations ${short.operationsMax} --trace trace.txt --history history.jsonl\n`,
  );
}

/** Breaks the product on purpose, control by control; every one must be caught within its bound. */
async function runControls(options: Options): Promise<boolean> {
  const { control: name } = options;
  const chosen = controls.filter(
    (control) =>
      (name === undefined || control.name.includes(name)) &&
      (options.scenario ?? control.scenario) === control.scenario,
  );
  if (chosen.length === 0) throw new Error(`there is no control "${name ?? ''}"`);
  const [only] = chosen;
  if (only && options.operationsMax !== undefined) return replay(only, options);
  const firstSeed = name === undefined && options.runs > 1 ? 1 : options.seed;
  const caught: CaughtControl[] = [];
  for (const control of chosen) {
    const progress = new Progress(output, control.scenario, control.within);
    const one = await catchControl(control, firstSeed, () => progress.step());
    const verdict =
      one.seeds === undefined
        ? `NOT CAUGHT within ${control.within} seeds`
        : `caught at seed ${firstSeed + one.seeds - 1} (bound ${control.within})`;
    progress.end(`${control.scenario.padEnd(16)} ${control.name}: ${verdict}`);
    if (one.seeds !== undefined) output.write(`${' '.repeat(17)}${one.sentence.slice(0, 160)}\n`);
    caught.push(one);
  }
  if (options.table) output.write(`\n${markdownTable(caught)}\n`);
  const missed = caught.filter(({ seeds }) => seeds === undefined).length;
  output.write(`${caught.length - missed} of ${caught.length} controls caught\n`);
  return missed === 0;
}

/** One run of a broken product, with its history and trace. */
async function replay(control: Control, options: Options): Promise<boolean> {
  const scenario = scenarioNamed(control.scenario);
  const how = { ...runOptions(options, options.seed), defects: control.defects() };
  const result = await runScenario(scenario, how);
  keep(result, options);
  for (const sentence of result.violations.slice(0, 5))
    output.write(`  ${sentence.slice(0, 1_000)}\n`);
  return result.violations.length === 0;
}

function runOptions({ operationsMax, trace }: Options, seed: number): RunOptions {
  return {
    seed,
    ...(operationsMax === undefined ? {} : { operationsMax }),
    trace: trace === undefined ? 'none' : 'lines',
  };
}

function keep(result: RunResult, { history, trace }: Options): void {
  if (history !== undefined) writeFileSync(history, `${printHistory(result.history)}\n`);
  if (trace !== undefined) writeFileSync(trace, result.trace.join(''));
}

main().then(
  (clean) => process.exit(clean ? 0 : 1),
  (error: unknown) => {
    output.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  },
);
