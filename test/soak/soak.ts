import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../src/runtime/random.ts';
import { History, printHistory, type Operation } from '../simulation/history.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import type { Arena } from './client.ts';
import { checkAvailable, checkInTime, checkRound, type Verdict } from './checks.ts';
import { Archive } from './archive.ts';
import { everyKindCame, makeTrouble, paceOf, type Fault } from './faults.ts';
import type { FaultKind } from './fault-sorts.ts';
import { addRepairs, type Repairs } from './repairs.ts';
import { SmallDisk } from './small-disk.ts';
import { prepareGateways, type GatewayProcess } from './gateways.ts';
import { GraphQLClient } from './graphql-client.ts';
import { groupNames, groups } from './groups.ts';
import type { SoakOptions } from './options.ts';
import { addCounts, countByCode, countByLevel, type CountsByName } from './report.ts';
import { settle, whole } from './whole.ts';
import { work } from './workload.ts';

/** What a soak showed. */
export interface SoakResult {
  readonly operations: number;
  /** How long clients worked. */
  readonly seconds: number;
  readonly counts: CountsByName;
  readonly codes: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly verdicts: readonly Verdict[];
  readonly repairs: Repairs;
  /** Faults that were asked for, and cannot be had on this machine. */
  readonly leftOut: readonly FaultKind[];
}

export interface SoakHooks {
  readonly say: (line: string) => void;
  /** Asked now and then: whether to end early, and check what there is. */
  readonly isStopped?: () => boolean;
}

/** Checkers look at one round at a time: beyond this their work, which grows faster than the history, takes too long. */
const roundOperationsMax = 60_000;
const roundMsMax = 10 * 60_000;
const faultsLateMs = 180_000;
const progressMs = 5_000;

interface Stage {
  readonly options: SoakOptions;
  readonly hooks: SoakHooks;
  readonly cluster: TestCluster;
  readonly gateways: readonly GatewayProcess[];
  readonly http: GraphQLClient;
  readonly archive: Archive;
  readonly smallDisk: SmallDisk | undefined;
  readonly kinds: readonly FaultKind[];
  readonly nowMs: () => number;
  processes: number;
  values: number;
}

/** Databases, gateways as processes of their own, clients, faults; and at the end, every checker. */
export async function runSoak(options: SoakOptions, hooks: SoakHooks): Promise<SoakResult> {
  const settings = options.fast ? {} : { settings: { fsync: 'on', full_page_writes: 'on' } };
  const cluster = await startTestCluster(settings);
  const directory = mkdtempSync(join(tmpdir(), 'quorate-soak-'));
  const wantsSmall = options.kinds.includes('full disk');
  const smallDisk = wantsSmall
    ? await SmallDisk.under(cluster, cluster.replicas.at(-1)!.id)
    : undefined;
  const leftOut: FaultKind[] = wantsSmall && !smallDisk ? ['full disk'] : [];
  const kinds = options.kinds.filter((kind) => !leftOut.includes(kind));
  const gateways = await prepareGateways(2, { replicas: cluster.replicas, directory });
  const http = new GraphQLClient();
  try {
    await Promise.all(gateways.map((gateway) => gateway.start()));
    for (const name of groupNames) await createKeyspace(http, gateways[0]!, name);
    const began = process.hrtime.bigint();
    const nowMs = (): number => Number(process.hrtime.bigint() - began) / 1e6;
    const own = { archive: new Archive(), smallDisk, kinds, nowMs, processes: 0, values: 0 };
    const stage: Stage = { options, hooks, cluster, gateways, http, ...own };
    if (options.history !== undefined) writeFileSync(options.history, '');
    const result = await runRounds(stage);
    const repairs = await Promise.all(gateways.map((gateway) => gateway.repairs()));
    return { ...result, repairs: repairs.reduce(addRepairs), leftOut };
  } finally {
    http.close();
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    if (smallDisk) await cluster.kill(smallDisk.replica);
    smallDisk?.remove();
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function createKeyspace(
  http: GraphQLClient,
  gateway: GatewayProcess,
  name: keyof typeof groups,
): Promise<void> {
  const query =
    'mutation Create($input: CreateKeyspaceInput!) { createKeyspace(input: $input) { name } }';
  const { keyspace, settings } = groups[name];
  await http.run(gateway.port, query, { input: { name: keyspace, ...settings } });
}

async function runRounds(stage: Stage): Promise<SoakResult> {
  const { options, hooks } = stage;
  let result = nothingYet;
  let leftMs = options.minutes * 60_000;
  for (let round = 1; hooks.isStopped?.() !== true; round += 1) {
    const leftOperations = (options.operations ?? Infinity) - result.operations;
    // The last seconds of a long run are not worth a round of their own.
    if (leftOperations <= 0 || leftMs < (round === 1 ? 0 : 10_000)) break;
    const done = await runRound(stage, {
      round,
      mostMs: Math.min(leftMs, roundMsMax),
      mostOperations: Math.min(leftOperations, roundOperationsMax),
    });
    leftMs -= done.seconds * 1000;
    result = added(result, done);
  }
  return result;
}

const nothingYet: SoakResult = {
  operations: 0,
  seconds: 0,
  counts: new Map(),
  codes: new Map(),
  faults: new Map(),
  verdicts: [],
  repairs: {},
  leftOut: [],
};

/** One set of keys from its first operation to its verdicts. */
async function runRound(
  stage: Stage,
  what: { round: number; mostMs: number; mostOperations: number },
): Promise<SoakResult> {
  const { options, hooks, cluster, gateways, kinds, archive, smallDisk } = stage;
  const { round, mostMs, mostOperations } = what;
  const startMs = stage.nowMs();
  const untilMs = performance.now() + mostMs;
  const faults: Fault[] = [];
  let stopped = false;
  const arena = openArena(stage, round, () => {
    const enough = arena.history.operations.length >= mostOperations;
    const lateMs = performance.now() - untilMs;
    // On a slow machine the last kind of fault may still have to come.
    const isTime = lateMs > 0 && (everyKindCame(faults, kinds) || lateMs > faultsLateMs);
    return stopped || enough || isTime || hooks.isStopped?.() === true;
  });
  const progress = setInterval(() => report(stage, { arena, faults, startMs }), progressMs);
  const say = (line: string): void => hooks.say(`${seconds(stage.nowMs())}  ${line}`);
  const trouble = makeTrouble(
    {
      cluster,
      gateways,
      archive,
      smallDisk,
      kinds,
      random: seededRandom(arena.seed),
      pace: paceOf(mostMs, kinds.length),
      untilMs,
      isOver: () => arena.isOver(),
      tick: () => arena.history.tick(),
      say,
      whole: () => whole(stage),
    },
    faults,
  );
  trouble.catch(() => (stopped = true));
  await work(arena, { clients: options.clients, round }).finally(() => clearInterval(progress));
  const worked = stage.nowMs() - startMs;
  await trouble;
  say(`round ${round}: clients are done; waiting for quiet, and reading every key once`);
  await settle(stage, { arena, round });
  const { operations } = arena.history;
  if (options.history !== undefined) write(options.history, operations);
  say(`round ${round}: checking ${operations.length.toLocaleString('en')} operations`);
  const verdicts = await checkRound(operations, { cluster, archive, round });
  return {
    ...nothingYet,
    operations: operations.length,
    seconds: worked / 1000,
    counts: countByLevel(operations, faults),
    codes: countByCode(operations),
    faults: new Map(
      [...Map.groupBy(faults, ({ kind }) => kind)].map(([kind, those]) => [kind, those.length]),
    ),
    verdicts: [
      ...verdicts,
      verdict('every fault is survived', { operations, found: checkAvailable(operations, faults) }),
      verdict('answers in time', { operations, found: checkInTime(operations) }),
      verdict('failures that faults explain', { operations, found: arena.problems }),
    ],
  };
}

function verdict(
  checker: string,
  what: { operations: readonly Operation[]; found: readonly string[] },
): Verdict {
  const { operations, found } = what;
  return { group: 'all', checker, operations: operations.length, violations: found, tookMs: 0 };
}

function openArena(stage: Stage, round: number, isOver: () => boolean): Arena {
  return {
    seed: stage.options.seed + round * 7_919,
    history: new History(stage.nowMs),
    gateways: stage.gateways,
    http: stage.http,
    problems: [],
    newProcess: () => (stage.processes += 1),
    newValue: () => (stage.values += 1),
    isOver,
  };
}

function write(file: string, operations: readonly Operation[]): void {
  for (let from = 0; from < operations.length; from += 5_000) {
    appendFileSync(file, `${printHistory(operations.slice(from, from + 5_000))}\n`);
  }
}

function report(
  stage: Stage,
  { arena, faults, startMs }: { arena: Arena; faults: readonly Fault[]; startMs: number },
): void {
  const { operations } = arena.history;
  const done = operations.filter(({ tookMs }) => tookMs !== undefined);
  const unknown = done.filter(({ status }) => status === 'unknown').length;
  const rate = operations.length / ((stage.nowMs() - startMs) / 1000);
  const open = faults.filter(({ endNs }) => endNs === undefined);
  const now = open.map(({ kind, target }) => `${kind} (${target})`).join(', ') || 'no fault';
  stage.hooks.say(
    `${seconds(stage.nowMs())}  ${operations.length.toLocaleString('en')} operations, ${rate.toFixed(0)}/s, ${unknown} unknown, ${now}`,
  );
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(7)} s`;
}

function added(a: SoakResult, b: SoakResult): SoakResult {
  return {
    ...nothingYet,
    operations: a.operations + b.operations,
    seconds: a.seconds + b.seconds,
    counts: addCounts(a.counts, b.counts),
    codes: addNumbers(a.codes, b.codes),
    faults: addNumbers(a.faults, b.faults),
    verdicts: addVerdicts(a.verdicts, b.verdicts),
  };
}

function addNumbers<Name>(
  a: ReadonlyMap<Name, number>,
  b: ReadonlyMap<Name, number>,
): ReadonlyMap<Name, number> {
  const sum = new Map(a);
  for (const [name, more] of b) sum.set(name, (sum.get(name) ?? 0) + more);
  return sum;
}

function addVerdicts(a: readonly Verdict[], b: readonly Verdict[]): readonly Verdict[] {
  if (a.length === 0) return b;
  return a.map((one, at) => {
    const more = b[at]!;
    return {
      ...one,
      operations: one.operations + more.operations,
      violations: [...one.violations, ...more.violations],
      tookMs: one.tookMs + more.tookMs,
    };
  });
}
