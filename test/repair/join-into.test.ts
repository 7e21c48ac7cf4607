import { beforeEach, describe, expect, test } from '@jest/globals';
import { digestOf } from '../../src/causality/cell-codec.ts';
import { emptyCell, seenNothing, seenOf, write, type Cell } from '../../src/causality/cell.ts';
import { keepNewest, keepSiblings, newestCell } from '../../src/causality/convergence.ts';
import { joinInto } from '../../src/repair/join-into.ts';
import { HandClock } from '../coordinator/hand-clock.ts';
import { FaultyReplica } from '../coordinator/faulty-replica.ts';

const ref = { tenant: 't', keyspace: 'k', key: 'key' };
const version = (actor: string, counter = 1) => {
  return {
    dot: { actor, counter },
    writeId: `${actor}${counter}`,
    writtenAtUs: counter,
    value: `"${actor}"`,
  };
};
const a = write(emptyCell, seenNothing, version('a'));
const b = write(emptyCell, seenNothing, version('b'));

let clock: HandClock;
let replica: FaultyReplica;
const options = () => ({ deadlineMs: clock.monotonicMs() + 1_000 });
const join = (cell: Cell, guess?: { cell: Cell; digest: bigint }) =>
  joinInto(
    replica,
    { ref, cell, convergence: keepSiblings, ...(guess ? { guess } : {}) },
    options(),
  );
const held = async () => (await replica.inner.read(ref)).cell;
const set = (next: Cell, expected = 0n) => replica.inner.swap(ref, { expected, next }, options());

beforeEach(() => {
  clock = new HandClock();
  replica = new FaultyReplica({ id: 'replica-1', clock });
});

describe('bringing a replica up to a state', () => {
  test('costs one swap when the guess of what it holds is right', async () => {
    await set(a);
    const next = write(a, seenOf(a), version('a', 2));
    expect(await join(next, { cell: a, digest: digestOf(a) })).toMatchObject({
      status: 'joined',
      wrote: true,
    });
    expect(replica.calls('swap')).toHaveLength(1);
    expect(await held()).toEqual(next);
  });

  test('costs one more when the guess was wrong, and loses nothing', async () => {
    await set(a);
    expect(await join(b)).toMatchObject({ status: 'joined', wrote: true });
    expect(replica.calls('swap')).toHaveLength(2);
    expect((await held()).siblings.map(({ value }) => value)).toEqual(['"a"', '"b"']);
  });

  test('writes nothing, and no change, where the state is held already', async () => {
    await set(a);
    await join(b);
    const { length } = replica.inner.changes;
    expect(await join(b)).toMatchObject({ status: 'joined', wrote: false });
    expect(replica.inner.changes).toHaveLength(length);
  });

  test('has nothing to do for a key that nobody has written', async () => {
    expect(await join(emptyCell)).toMatchObject({ status: 'joined', wrote: false });
    expect(replica.seen).toEqual([]);
  });

  test('goes on while others change the key, and gives up at some point, saying that nothing was written', async () => {
    let others = 0;
    const race = (rounds: number) => (call: string) => {
      if (call === 'swap' && others < rounds) {
        const current = replica.inner.snapshot().get('t\0k\0key');
        void set(
          write(current?.cell ?? emptyCell, seenNothing, version(`o${++others}`)),
          current?.digest ?? 0n,
        );
      }
      return undefined;
    };
    replica.fate = race(5);
    expect(await join(a)).toMatchObject({ status: 'joined', wrote: true });
    expect((await held()).siblings).toHaveLength(6);
    replica.fate = race(1_000);
    await expect(join(b)).rejects.toMatchObject({ fault: 'REFUSED', maybeApplied: false });
    expect((await held()).siblings.map(({ dot }) => dot.actor)).not.toContain('b');
  });

  test('is refused, and no acknowledgement, where a newer ballot was promised', async () => {
    await replica.inner.prepare(ref, 9, options());
    const chosen = write(emptyCell, seenNothing, version('pi', 5));
    expect(await join(chosen)).toMatchObject({ status: 'refused', promised: 9 });
    expect(await held()).toEqual(emptyCell);
    expect(await join(a)).toMatchObject({ status: 'joined' });
  });

  test('passes the replica’s failure on, with what it says about having written', async () => {
    replica.all('cut');
    await expect(join(a)).rejects.toMatchObject({ fault: 'DOWN', maybeApplied: true });
    replica.all('refuse');
    await expect(join(a)).rejects.toMatchObject({ fault: 'REFUSED', maybeApplied: false });
  });

  test('where only the newest is kept never replaces a newer version', async () => {
    const cell = (counter: number) => newestCell(version('g', counter));
    const newest = (counter: number) =>
      joinInto(replica, { ref, cell: cell(counter), convergence: keepNewest }, options());
    expect(await newest(2)).toMatchObject({ wrote: true });
    expect(await newest(1)).toMatchObject({ status: 'joined', wrote: false });
    expect(await held()).toEqual(cell(2));
  });
});
