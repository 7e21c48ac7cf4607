import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../src/runtime/random.ts';
import { History, printHistory, type Operation } from '../simulation/history.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { Client, pause, Seat, type Arena } from './client.ts';
import { checkAvailable, checkInTime, checkRound, type Verdict } from './checks.ts';
import { everyKindCame, makeTrouble, paceOf, type Fault, type FaultKind } from './faults.ts';
import { prepareGateways, type GatewayProcess } from './gateways.ts';
import { GraphQLClient } from './graphql-client.ts';
import { groupNames, groups, roomsOf, type GroupName } from './groups.ts';
import type { SoakOptions } from './options.ts';
import { addCounts, countByCode, countByLevel, type CountsByName } from './report.ts';
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
}

export interface SoakHooks {
  readonly say: (line: string) => void;
  /** Asked now and then: whether to end early, and check what there is. */
  readonly isStopped?: () => boolean;
}

/** Checkers look at one round at a time: beyond this their work, which grows faster than the history, takes too long. */
const roundOperationsMax = 60_000;
const roundMsMax = 10 * 60_000;
/** Longer than any forward, repair or request that is under way when clients stop. */
const quietMs = 4_000;
const wholeMs = 60_000;
const faultsLateMs = 60_000;
const progressMs = 5_000;

interface Stage {
  readonly options: SoakOptions;
  readonly hooks: SoakHooks;
  readonly cluster: TestCluster;
  readonly gateways: readonly GatewayProcess[];
  readonly http: GraphQLClient;
  readonly nowMs: () => number;
  processes: number;
  values: number;
}

/** Databases, gateways as processes of their own, clients, faults; and at the end, every checker. */
export async function runSoak(options: SoakOptions, hooks: SoakHooks): Promise<SoakResult> {
  const settings = options.fast ? {} : { settings: { fsync: 'on', full_page_writes: 'on' } };
  const cluster = await startTestCluster(settings);
  const directory = mkdtempSync(join(tmpdir(), 'quorate-soak-'));
  const gateways = await prepareGateways(2, { replicas: cluster.replicas, directory });
  const http = new GraphQLClient();
  try {
    await Promise.all(gateways.map((gateway) => gateway.start()));
    for (const name of groupNames) await createKeyspace(http, gateways[0]!, name);
    const began = process.hrtime.bigint();
    const nowMs = (): number => Number(process.hrtime.bigint() - began) / 1e6;
    const stage = { options, hooks, cluster, gateways, http, nowMs, processes: 0, values: 0 };
    if (options.history !== undefined) writeFileSync(options.history, '');
    return await runRounds(stage);
  } finally {
    http.close();
    await Promise.all(gateways.map((gateway) => gateway.stop()));
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
};

/** One set of keys from its first operation to its verdicts. */
async function runRound(
  stage: Stage,
  what: { round: number; mostMs: number; mostOperations: number },
): Promise<SoakResult> {
  const { options, hooks, cluster, gateways } = stage;
  const { round, mostMs, mostOperations } = what;
  const startMs = stage.nowMs();
  const untilMs = performance.now() + mostMs;
  const faults: Fault[] = [];
  let stopped = false;
  const arena = openArena(stage, round, () => {
    const enough = arena.history.operations.length >= mostOperations;
    const lateMs = performance.now() - untilMs;
    // On a slow machine the last kind of fault may still have to come.
    const isTime = lateMs > 0 && (everyKindCame(faults) || lateMs > faultsLateMs);
    return stopped || enough || isTime || hooks.isStopped?.() === true;
  });
  const progress = setInterval(() => report(stage, { arena, faults, startMs }), progressMs);
  const say = (line: string): void => hooks.say(`${seconds(stage.nowMs())}  ${line}`);
  const trouble = makeTrouble(
    {
      cluster,
      gateways,
      random: seededRandom(arena.seed),
      pace: paceOf(mostMs),
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
  const verdicts = await checkRound(operations, { cluster, round });
  return {
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

/** Every gateway answers at ALL: whatever was away is there again. */
async function whole({ gateways, http }: Stage): Promise<void> {
  const ask = { keyspace: 'carts', key: 'not-a-key-of-the-workload', level: 'ALL' } as const;
  for (const { port, name } of gateways) {
    await eventually(`${name} does not reach every replica`, () => http.ask(port, 'get', ask));
  }
}

async function eventually(what: string, attempt: () => Promise<unknown>): Promise<void> {
  const untilMs = performance.now() + wholeMs;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (performance.now() > untilMs) {
        throw new Error(`${what}, ${wholeMs / 1000} s after it should: ${String(error)}`, {
          cause: error,
        });
      }
      await pause(100);
    }
  }
}

/**
 * Quiet, and then every key is read once at its own level, and once at ALL, which leaves no replica
 * behind.
 */
async function settle(
  stage: Stage,
  { arena, round }: { arena: Arena; round: number },
): Promise<void> {
  await whole(stage);
  await pause(quietMs);
  await Promise.all(groupNames.map((name) => readOnce(stage, { arena, round, name })));
  await pause(1_000);
}

async function readOnce(
  { gateways, http }: Stage,
  { arena, round, name }: { arena: Arena; round: number; name: GroupName },
): Promise<void> {
  const client = new Client(arena, 0);
  for (const keys of roomsOf(groups[name], round)) {
    const seat = new Seat(groups[name], keys, client.newSession());
    for (const key of keys) {
      const { status, code = '?' } = await client.read(seat, key);
      const ask = { keyspace: name, key, level: 'ALL' } as const;
      const atAll = await http.ask(client.pick(gateways).port, 'get', ask).then(
        () => 'ok',
        (error: unknown) => String(error),
      );
      const where = `all is quiet, and ${key} of ${name} cannot be read`;
      if (status !== 'ok') arena.problems.push(`${where}: ${code}`);
      if (atAll !== 'ok') arena.problems.push(`${where} at ALL: ${atAll}`);
    }
  }
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
