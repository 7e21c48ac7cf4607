import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { digestOf, encodeCell } from '../../src/causality/cell-codec.ts';
import { emptyCell, seenOf, write, type Cell } from '../../src/causality/cell.ts';
import type {
  ChangePosition,
  ChangeSession,
  ChangesWanted,
  KeyRange,
} from '../../src/replica/change-source.ts';
import { tokenOf } from '../../src/placement/token.ts';
import { refName, type CellRef } from '../../src/replica/cell-ref.ts';
import { isLetThrough, KeySieve } from '../../src/replica/key-sieve.ts';
import { postgresChangeSource } from '../../src/replica/postgres/change-source.ts';
import type { Replica } from '../../src/replica/replica.ts';
import { systemClock, type Clock } from '../../src/runtime/clock.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { usual } from '../simulation/scenario.ts';
import { changeSource } from '../simulation/world/change-log.ts';
import { Link } from '../simulation/world/link.ts';
import { calm } from '../simulation/world/network.ts';
import { World } from '../simulation/world/world.ts';
import { startTestCluster } from '../support/cluster.ts';
import { openReplica } from '../support/store.ts';

/** A replica with its change log, and more writes than one page of it holds. */
interface Subject {
  readonly replica: Replica;
  readonly session: ChangeSession;
  readonly clock: Clock;
  readonly writes: number;
  /** Lets time pass until it is done. */
  readonly done: <T>(work: Promise<T>) => Promise<T>;
  /** As an earlier version has written them; false where there was none. */
  forgetTokens(keyspace: string): Promise<boolean>;
  close(): Promise<void>;
}

/** The simulator's, which is what the scenarios of the feed go by. */
const memory = async (): Promise<Subject> => {
  const options = { ...usual, replicas: 1, gateways: 1, weather: calm, seed: 1 };
  const world = new World({ ...options, operationsMax: 1, trace: 'none', defects: {} });
  const { process } = world.gateways[0]!;
  const server = world.servers[0]!;
  const link = new Link(world, process, server);
  const done = <T>(work: Promise<T>): Promise<T> => world.schedule.run(work, 1e9);
  const events = { onWake: () => undefined, onLost: () => undefined };
  const session = await done(changeSource(process, server, link).open(events));
  const forgetTokens = async () => false;
  const close = async () => undefined;
  return { replica: link, session, clock: process.clock, writes: 60, done, forgetTokens, close };
};

const postgres = async (): Promise<Subject> => {
  const cluster = await startTestCluster({ replicas: 1 });
  const [first] = cluster.replicas;
  const replica = openReplica(first!);
  const times = { clock: systemClock, connectMs: 10_000, answerMs: 20_000 };
  const source = postgresChangeSource({ ...first!, ...times });
  const session = await source.open({ onWake: () => undefined, onLost: () => undefined });
  return {
    ...{ replica, session, clock: systemClock, writes: 1_500 },
    done: (work) => work,
    async forgetTokens(keyspace) {
      const sql = 'update changes set token = null where keyspace = $1';
      await cluster.query(first!.id, sql, [keyspace]);
      return true;
    },
    async close() {
      session.close();
      await replica.close();
      await cluster.stop();
    },
  };
};

const keyspaces = ['x', 'y'].flatMap((keyspace) =>
  ['t', 'u'].map((tenant) => ({ tenant, keyspace })),
);
const wholeOf = ({ tenant, keyspace }: { tenant: string; keyspace: string }): KeyRange => ({
  ...{ tenant, keyspace, from: '', to: undefined },
});

describe.each([
  ['memory', memory],
  ['postgres', postgres],
] as const)('the change log of a %s replica', (_, open) => {
  const random = seededRandom(3);
  let subject: Subject;
  let begin: ChangePosition;
  /** All that was logged, as it is read without a sieve. */
  let all: readonly string[];
  const refs: CellRef[] = [];

  beforeAll(async () => {
    subject = await open();
    begin = await subject.done(subject.session.head());
    await subject.done(writeMany());
    all = await readAll({ ranges: keyspaces.map(wholeOf) });
  });
  afterAll(() => subject.close());

  async function writeMany(): Promise<void> {
    const { replica, clock, writes } = subject;
    const cells = new Map<string, Cell>();
    for (let left = writes; left > 0; left -= 150)
      await Promise.all(
        Array.from({ length: Math.min(left, 150) }, (_, nth) => {
          // Each key once in a batch; about half of them have been written before.
          const key = `${'ключ🔑 key'.slice(nth % 5)}${nth}.${Math.floor(random.next() * 2)}`;
          const ref = { ...keyspaces[nth % keyspaces.length]!, key };
          const before = cells.get(refName(ref)) ?? emptyCell;
          const dot = { actor: 'a', counter: left };
          const version = { dot, writeId: `${left}`, writtenAtUs: left, value: `"${left}"` };
          const next = write(before, seenOf(before), version);
          cells.set(refName(ref), next);
          refs.push(ref);
          const request = { expected: before === emptyCell ? 0n : digestOf(before), next };
          return replica.swap(ref, request, { deadlineMs: clock.monotonicMs() + 20_000 });
        }),
      );
  }

  /** Every change from the beginning to the end, page after page; `next` tells what each is asked for. */
  async function readAll(...next: readonly ChangesWanted[]): Promise<readonly string[]> {
    const { session, done } = subject;
    const lines: string[] = [];
    let position = begin;
    for (let page = 0, more = true; more; page += 1) {
      const wanted = next[Math.min(page, next.length - 1)]!;
      const read = await done(session.read(position, wanted));
      if (read.kind !== 'page') throw new Error(read.reason);
      lines.push(...read.changes.map((one) => `${refName(one)} ${encodeCell(one.cell).siblings}`));
      ({ position, more } = read);
    }
    // However little was sent, the reader is where it would be if all had been.
    expect(position.window).toBeUndefined();
    const rest = await done(session.read(position, { ranges: keyspaces.map(wholeOf) }));
    expect(rest).toMatchObject({ kind: 'page', changes: [], more: false });
    return lines;
  }

  function sieveOf(names: ReadonlySet<string>): Uint8Array {
    const keys = [...names].map((name) => name.split('\0')[2]!);
    const sieve = new KeySieve(() => keys);
    for (const key of keys) sieve.added(key);
    return sieve.bytes;
  }

  const drawn = (share: number): Set<string> =>
    new Set(refs.filter((_, nth) => nth === 0 || random.next() < share).map(refName));
  const of = (lines: readonly string[], names: ReadonlySet<string>): readonly string[] =>
    lines.filter((line) => names.has(line.slice(0, line.indexOf(' [{'))));

  test.each([0.02, 0.3, 1])(
    'through a sieve of %d of the keys all of theirs come, in order',
    async (share) => {
      const followed = drawn(share);
      const read = await readAll({ ranges: [], singles: { keyspaces, sieve: sieveOf(followed) } });
      expect(of(read, followed)).toEqual(of(all, followed));
      expect(of(all, followed).length).toBeGreaterThan(0);
      // Nothing but what was logged, and of the others few. Without the sieve in the statement, all come.
      expect(read.filter((line) => !all.includes(line))).toEqual([]);
      if (share < 0.1) expect(read.length).toBeLessThan(all.length / 2);
    },
  );

  test('a keyspace that is followed as a whole comes whole, and others through the sieve', async () => {
    const followed = drawn(0.05);
    const [whole, ...others] = keyspaces;
    const singles = { keyspaces: others, sieve: sieveOf(followed) };
    const read = await readAll({ ranges: [wholeOf(whole!)], singles });
    const isOfWhole = (line: string) => line.startsWith(`${whole!.tenant}\0${whole!.keyspace}\0`);
    expect(read.filter(isOfWhole)).toEqual(all.filter(isOfWhole));
    expect(of(read, followed)).toEqual(of(all, followed));
    expect(read.length).toBeLessThan(all.length * 0.75);
  });

  test('keyspaces that are not asked for stay where they are, whatever their keys', async () => {
    const [one] = keyspaces;
    const sieve = sieveOf(new Set(refs.map(refName)));
    const read = await readAll({ ranges: [], singles: { keyspaces: [one!], sieve } });
    expect(read).toEqual(
      all.filter((line) => line.startsWith(`${one!.tenant}\0${one!.keyspace}\0`)),
    );
  });

  test('a key that is followed from the second page on comes from there on', async () => {
    const [first, both] = [drawn(0.9), drawn(0.9)];
    for (const name of first) both.add(name);
    const asked = [first, both].map((names) => ({
      ranges: [],
      singles: { keyspaces, sieve: sieveOf(names) },
    }));
    const read = await readAll(...asked);
    expect(of(read, first)).toEqual(of(all, first));
    const last = all.slice(-10);
    expect(read.slice(-of(last, both).length)).toEqual(of(last, both));
  });

  test('negative control: of a key that the sieve has forgotten, this comparison misses the changes', async () => {
    const followed = drawn(0.02);
    const isLost = (name: string): boolean => {
      const sieve = sieveOf(new Set([...followed].filter((one) => one !== name)));
      return !isLetThrough(sieve, tokenOf(name.split('\0')[2]!));
    };
    const lost = [...followed].find(isLost)!;
    const sieve = sieveOf(new Set([...followed].filter((one) => one !== lost)));
    const read = await readAll({ ranges: [], singles: { keyspaces, sieve } });
    expect(of(read, followed)).not.toEqual(of(all, followed));
    expect(of(read, new Set([lost]))).toEqual([]);
  });

  test('what was logged without a token comes, whoever follows it', async () => {
    if (!(await subject.forgetTokens('x'))) return;
    const read = await readAll({ ranges: [], singles: { keyspaces, sieve: new Uint8Array(64) } });
    expect(read).toEqual(all.filter((line) => line.split('\0')[1] === 'x'));
  });
});
