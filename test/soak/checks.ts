import { checkCausal } from '../simulation/checkers/causal.ts';
import { hangs } from '../simulation/checkers/hangs.ts';
import { checkLastWriteWins } from '../simulation/checkers/last-write-wins.ts';
import { checkLinearizable } from '../simulation/checkers/linearizable.ts';
import { checkQuorum } from '../simulation/checkers/quorum.ts';
import { checkSiblings, divergence, type FinalState } from '../simulation/checkers/siblings.ts';
import type { Operation } from '../simulation/history.ts';
import type { TestCluster } from '../support/cluster.ts';
import type { Archive } from './archive.ts';
import type { Fault } from './faults.ts';
import { everStored, finalState, offeredVersions, supersededByConsensus } from './final-state.ts';
import { groupNames, groups, placeOf, roomsOf, type GroupName } from './groups.ts';

/** What one checker says about one group. */
export interface Verdict {
  readonly group: string;
  readonly checker: string;
  readonly operations: number;
  readonly violations: readonly string[];
  readonly tookMs: number;
}

interface Looked {
  readonly operations: readonly Operation[];
  /** The same, room by room. */
  readonly rooms: readonly (readonly Operation[])[];
  readonly final: FinalState;
  readonly cluster: TestCluster;
  readonly archive: Archive;
}

interface Check {
  readonly checker: string;
  readonly check: (looked: Looked) => readonly string[] | Promise<readonly string[]>;
}

const siblings: Check = {
  checker: 'siblings, replicas equal',
  check: ({ operations, final }) => checkSiblings(operations, final),
};
const causal = (travels: boolean, ofReads: boolean): Check => ({
  checker: 'bad patterns',
  check: ({ rooms }) => rooms.flatMap((room) => checkCausal(room, { travels, ofReads })),
});

const checks: Readonly<Record<GroupName, readonly Check[]>> = {
  locks: [
    { checker: 'linearizable', check: ({ operations }) => checkLinearizable(operations) },
    { checker: 'replicas equal', check: ({ final }) => divergence(final) },
  ],
  orders: [{ checker: 'quorum', check: ({ operations }) => checkQuorum(operations) }, siblings],
  own: [causal(false, false), siblings],
  feeds: [causal(true, true), siblings],
  threads: [causal(true, true), siblings],
  carts: [siblings],
  profiles: [
    {
      checker: 'last write wins',
      async check({ operations, final, cluster, archive }) {
        const logged = [...archive.of('profiles'), ...(await everStored(cluster, 'profiles'))];
        const places = new Set(operations.map(({ key }) => key));
        const offered = offeredVersions(logged).filter(({ key }) => places.has(key));
        return checkLastWriteWins(operations, offered, final);
      },
    },
  ],
  mixed: [
    {
      checker: 'siblings, replicas equal',
      async check({ operations, final, cluster, archive }) {
        const logged = [...archive.of('mixed'), ...(await everStored(cluster, 'mixed'))];
        const superseded = supersededByConsensus(logged, operations);
        return checkSiblings(operations, final, {
          superseded: ({ value }) => typeof value === 'number' && superseded.has(value),
        });
      },
    },
  ],
};

/** Runs every checker on every group of a round. */
export async function checkRound(
  operations: readonly Operation[],
  what: { cluster: TestCluster; archive: Archive; round: number },
): Promise<readonly Verdict[]> {
  const byKey = Map.groupBy(operations, ({ key }) => key);
  const verdicts: Verdict[] = [];
  for (const name of groupNames) {
    const rooms = roomsOf(groups[name], what.round).map((keys) => {
      const own = keys.flatMap((key) => byKey.get(placeOf(name, key)) ?? []);
      return own.toSorted((a, b) => a.start - b.start);
    });
    const own = rooms.flat();
    const final = await finalState(what.cluster, name, new Set(own.map(({ key }) => key)));
    const looked = { operations: own, rooms, final, ...what };
    for (const { checker, check } of checks[name]) {
      const beganMs = performance.now();
      const violations = [...new Set(await check(looked))];
      const tookMs = performance.now() - beganMs;
      verdicts.push({ group: name, checker, operations: own.length, violations, tookMs });
    }
  }
  return verdicts;
}

/** What a request may take beyond its own time on a machine that does much else besides. */
const slackMs = 1_500;

/** Requests that were answered much too late, or never. */
export function checkInTime(operations: readonly Operation[]): readonly string[] {
  return hangs(
    operations.map((one) =>
      one.timeoutMs === undefined ? one : { ...one, timeoutMs: one.timeoutMs + slackMs },
    ),
  );
}

/** ALL needs every replica, and is refused while one is away. */
const needsAll: readonly (string | undefined)[] = ['ALL'];

/** Fewer requests than this at one level, in one fault, say nothing about the level. */
const triesMin = 5;

/** Levels that never succeeded while one replica of three was away. */
export function checkAvailable(
  operations: readonly Operation[],
  faults: readonly Fault[],
): readonly string[] {
  return faults.flatMap(({ kind, target, startNs, endNs }) => {
    if (kind === 'kill of a gateway' || endNs === undefined) return [];
    const during = operations.filter(
      ({ start, end }) => start > startNs && end !== undefined && end < endNs,
    );
    return [...Map.groupBy(during, ({ level }) => level)]
      .filter(([level, tried]) => !needsAll.includes(level) && tried.length >= triesMin)
      .filter(([, tried]) => tried.every(({ status }) => status !== 'ok'))
      .map(([level, tried]) => {
        const codes = [...new Set(tried.map(({ code }) => code ?? '?'))].join(', ');
        return `during the ${kind} (${target}) none of ${tried.length} requests at ${level ?? '?'} succeeded: ${codes}`;
      });
  });
}
