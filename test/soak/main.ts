import { readOptions, usage, type SoakOptions } from './options.ts';
import { levelTable, table, verdictTable } from './report.ts';
import { runSoak, type SoakResult } from './soak.ts';

/** So many violations of one checker are printed; the rest are counted. */
const violationsShown = 5;

function print(text: string): void {
  process.stdout.write(text);
}

function show(result: SoakResult, options: SoakOptions): void {
  const { operations, seconds, counts, codes, faults, verdicts, repairs, leftOut } = result;
  print(`\nOperations by level\n${levelTable(counts)}`);
  const failures = [...codes].map(([code, n]) => [code, n.toLocaleString('en')]);
  if (failures.length > 0) print(`\nWhat was not ok\n${table(['code', 'times'], failures)}`);
  print(
    `\nFaults\n${table(
      ['kind', 'times'],
      [...faults].map(([kind, n]) => [kind, String(n)]),
    )}`,
  );
  for (const kind of leftOut)
    print(`  ${kind}: left out, because nobody may mount a small disk here (root on Linux may)\n`);
  print(
    `\nRepairs\n${table(
      ['by', 'cells'],
      Object.entries(repairs).map(([name, n]) => [name, n.toLocaleString('en')]),
    )}`,
  );
  print(`\nVerdicts\n${verdictTable(verdicts)}`);
  for (const { group, checker, violations } of verdicts) {
    if (violations.length === 0) continue;
    print(`\n${group}, ${checker}: ${violations.length} violations\n`);
    for (const violation of violations.slice(0, violationsShown)) print(`  - ${violation}\n`);
  }
  const rate = Math.round(operations / seconds);
  print(
    `\n${operations.toLocaleString('en')} operations by ${options.clients} clients in ${seconds.toFixed(0)} s: ${rate.toLocaleString('en')}/s (seed ${options.seed})\n`,
  );
}

/** What is wrong with the run, a sentence each. */
function judge({ operations, verdicts }: SoakResult, options: SoakOptions): readonly string[] {
  const violations = verdicts.reduce((sum, one) => sum + one.violations.length, 0);
  return [
    ...(violations > 0 ? [`${violations} violations`] : []),
    ...(operations < (options.operations ?? 1)
      ? [`${operations} operations, and ${options.operations ?? 1} were asked for`]
      : []),
  ];
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    print(usage);
    return 0;
  }
  let options: SoakOptions;
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  let interrupts = 0;
  const end = (): void => {
    interrupts += 1;
    if (interrupts > 1) process.exit(130);
    process.stderr.write('Ending early, and checking what there is; once more ends at once.\n');
  };
  // Without, a `timeout` or a service manager would leave databases running.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end);
  print(`soak: seed ${options.seed}, ${options.clients} clients, ${options.minutes} minutes\n`);
  const result = await runSoak(options, {
    say: (line) => {
      if (!options.quiet) print(`${line}\n`);
    },
    isStopped: () => interrupts > 0,
  });
  show(result, options);
  const wrong = judge(result, options);
  print(
    wrong.length === 0
      ? 'No violations: nothing that was acknowledged is lost.\n'
      : `FAILED: ${wrong.join('; ')}.\n`,
  );
  return wrong.length === 0 ? 0 : 1;
}

const code = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(
    `soak: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return 1;
});
// Said outright: a database that is left hanging would keep the process.
process.exit(code);
