import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NotHere, type Contender, type Running } from './harness/contender.ts';
import { rewrite } from './harness/fill.ts';
import { WrongAnswers } from './harness/load.ts';
import { measure, type Sample } from './harness/measure.ts';
import { templateOf, workloads, type Workload } from './harness/operations.ts';
import { plot } from './harness/plot.ts';
import { readProfile } from './harness/profile.ts';
import { product } from './harness/product.ts';
import { summarise, table } from './harness/table.ts';
import { floor } from './floor/floor.ts';
import { scale } from './scale.ts';
import { etcd } from './peers/etcd.ts';
import { mercurius, mercuriusStandbys } from './peers/mercurius.ts';
import { postgraphile } from './peers/postgraphile.ts';

/**
 * Quorate beside its peers: all started and warmed, then measured in turn (A B A B …) in one run on
 * one machine. Only the ratios within a run say something; the figures are this machine's.
 *
 * Usage: npm run bench -- [--quick] [--rounds 5] [--seconds 5] [--keys 100000] [--connections 64]
 *   [--seed 1] [--only put,get] [--contenders quorate,etcd] [--json] [--profile] [--scale]
 *   [--others-rounds 5] [--others-seconds 5]: of the workloads that no aim is about.
 * With `--scale`, `--only` names curves: replicas, keys, subscribers, tenants, workers.
 */
const { values: given } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    'others-rounds': { type: 'string' },
    'others-seconds': { type: 'string' },
    keys: { type: 'string' },
    connections: { type: 'string', default: '64' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    contenders: { type: 'string' },
    'data-dir': { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    scale: { type: 'boolean', default: false },
  },
});
const isQuick = given.quick;
const options = {
  rounds: Number(given.rounds ?? (isQuick ? 3 : 5)),
  seconds: Number(given.seconds ?? (isQuick ? 2 : 5)),
  keys: Number(given.keys ?? (isQuick ? 2_000 : 100_000)),
  connections: Number(given.connections),
  seed: Number(given.seed),
};
const others = {
  ...options,
  rounds: Number(given['others-rounds'] ?? options.rounds),
  seconds: Number(given['others-seconds'] ?? options.seconds),
};
const results = new URL('./results/', import.meta.url).pathname;
const everybody: readonly Contender[] = [
  product(),
  product({ name: 'quorate slow lane', env: { QUORATE_FAST_LANE: 'off' }, onlyAims: true }),
  floor,
  postgraphile,
  mercurius,
  mercuriusStandbys,
  etcd,
];

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const wanted = given.contenders?.split(',');
const contenders = everybody.filter(({ name }) => wanted?.includes(name) ?? true);
const names = given.only?.split(',');
const chosen = workloads.filter((one) => names?.includes(one.name) ?? (!isQuick || one.quick));
if (contenders.length === 0 || (chosen.length === 0 && !given.scale))
  throw new Error('nothing of that name');

/** Rounds with wrong answers: they count for nothing, are told, and let the others go on. */
const spoiled: { contender: string; round: string }[] = [];
/** What keys are filled with before anything is measured. */
const filledBytes = 100;
const place = mkdtempSync(join(given['data-dir'], 'quorate-bench-'));
const started: { contender: Contender; running: Running; directory: string }[] = [];
process.setMaxListeners(50); // each server is ended with this process
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(130));
try {
  say(
    JSON.stringify({
      ...options,
      others: { rounds: others.rounds, seconds: others.seconds },
      cpus: cpus().length,
      cpu: cpus()[0]?.model,
      node: process.version,
    }),
  );
  if (given.scale)
    await scale({ ...options, quick: isQuick, only: names, dataDirectory: given['data-dir'] });
  else await compareAll();
} finally {
  for (const { running } of started) await running.stop();
  if (given.profile) showProfiles();
  rmSync(place, { recursive: true, force: true });
}

async function compareAll(): Promise<void> {
  for (const contender of contenders) await start(contender);
  const samples: Sample[] = [];
  let valueBytes: number = filledBytes;
  for (const workload of chosen) {
    if (workload.valueBytes !== valueBytes) await rewriteAll((valueBytes = workload.valueBytes));
    samples.push(...(await compare(workload)));
  }
  report(samples);
}

/** Where the time of the gateways went: Node has written it as they ended. */
function showProfiles(): void {
  for (const name of readdirSync(results).filter((one) => one.endsWith('.cpuprofile')))
    console.log(`\n${name}\n${readProfile(join(results, name))}`);
}

async function start(contender: Contender): Promise<void> {
  const directory = join(place, contender.name.replaceAll(/\W+/g, '-'));
  mkdirSync(directory);
  say(`starting ${contender.name}: ${contender.what}`);
  try {
    const profile = given.profile ? results : undefined;
    const running = await contender.start({ directory, keys: options.keys, profile });
    started.push({ contender, running, directory });
  } catch (error) {
    if (!(error instanceof NotHere)) throw error;
    say(`SKIPPED ${contender.name}: ${error.message}`);
  }
}

async function rewriteAll(valueBytes: number): Promise<void> {
  for (const { contender, running, directory } of started) {
    if (contender.onlyAims) continue;
    say(`writing values of ${valueBytes} bytes at ${contender.name}`);
    await rewrite(running, { valueBytes, keys: options.keys, directory });
  }
}

/** One round to warm everybody, twice as long and not counted, and then the rounds in turn. */
async function compare(workload: Workload): Promise<readonly Sample[]> {
  const { rounds, seconds } = workload.quick ? options : others;
  const able = started.filter(
    ({ contender, running }) =>
      (workload.quick || !contender.onlyAims) &&
      Object.keys(workload.mix).every((name) => templateOf(name) in running.operations),
  );
  const samples: Sample[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    for (const { contender, running, directory } of able) {
      const sample = await measure(
        running,
        { contender: contender.name, workload, round },
        { ...options, seconds: round === 0 ? 2 * seconds : seconds, directory },
      ).catch((error: unknown) => {
        if (error instanceof WrongAnswers) return error;
        throw new Error(`${workload.name} at ${contender.name}`, { cause: error });
      });
      const mark = round === 0 ? 'warm' : `${round}/${rounds}`;
      if (sample instanceof WrongAnswers) {
        const line = `${workload.name}  ${mark}  ${contender.name}  ${sample.message}`;
        spoiled.push({ contender: contender.name, round: line });
        say(`SPOILED ${line}`);
        continue;
      }
      const { perSecond, ownUs } = sample;
      say(
        `${workload.name}  ${mark}  ${contender.name}  ${Math.round(perSecond)}/s  ${Math.round(ownUs)} µs`,
      );
      if (round > 0) samples.push(sample);
    }
  }
  return samples;
}

function report(samples: readonly Sample[]): void {
  const summaries = summarise(samples);
  mkdirSync(results, { recursive: true });
  const title = `Requests a second, ${options.connections} connections, medians of ${options.rounds} rounds of ${options.seconds} s, seed ${options.seed}`;
  writeFileSync(join(results, 'bench.svg'), plot(summaries, title));
  // A peer that answers wrongly is told; our own wrong answer is a defect.
  if (spoiled.some(({ contender }) => contender.startsWith('quorate'))) process.exitCode = 1;
  if (given.json) {
    console.log(JSON.stringify({ options, summaries, samples, spoiled }, null, 2));
    return;
  }
  for (const { contender } of started) console.log(`${contender.name}: ${contender.what}`);
  console.log(`seed ${options.seed}\n`);
  console.log(table(summaries, 'quorate'));
  for (const { round } of spoiled) console.log(`SPOILED, not counted: ${round}`);
  console.log(`\nplot: bench/results/bench.svg`);
}
