import { expect, test } from '@jest/globals';
import { Hub } from '../../src/feed/hub.ts';
import { Recollections } from '../../src/feed/recollections.ts';
import type { Subscriber } from '../../src/feed/subscriber.ts';
import type {
  Change,
  ChangeSession,
  ChangeSource,
  RecentAsked,
} from '../../src/replica/change-source.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { handClock, type HandClock } from './hand-clock.ts';
import { chain, changeOf } from './support.ts';

const nowhere = { incarnation: 'i', seen: '1:1:' };

/** A log that is told what it holds, and counts what is asked of it. */
class CountedLog implements ChangeSource {
  readonly id: string;
  readonly logged: Change[] = [];
  reads = 0;
  judged = 0;
  wake: () => void = () => undefined;

  constructor(id: string) {
    this.id = id;
  }

  open({ onWake }: { onWake: () => void }): Promise<ChangeSession> {
    this.wake = onWake;
    return Promise.resolve({
      head: () => Promise.resolve(nowhere),
      read: (position, { wanted = () => true }) => {
        this.reads += 1;
        const rows = this.logged.splice(0);
        this.judged += rows.length;
        const changes = rows.filter(wanted);
        return Promise.resolve({ kind: 'page', changes, position, more: false } as const);
      },
      recent: () => Promise.resolve([]),
      since: () => Promise.resolve(nowhere),
      close: () => undefined,
    });
  }

  trim(): Promise<number> {
    return Promise.resolve(0);
  }
}

async function pass(clock: HandClock, ms: number): Promise<void> {
  for (let spentMs = 0; spentMs < ms; spentMs += 1) {
    clock.pass(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What a hundred puts cost the feed beside so many subscriptions to keys that are not written. */
async function costBeside(idle: number): Promise<object> {
  const clock = handClock();
  const [a, b] = [new CountedLog('a'), new CountedLog('b')];
  const hub = new Hub({ clock, random: systemRandom, log: silentLog, sources: () => [a, b] });
  let touched = 0;
  for (let nth = 0; nth < idle; nth += 1) {
    const key = `quiet${nth}`;
    const selector = { tenant: 't', keyspace: 'k', key, from: key, to: `${key}\u0001` };
    const subscriber: Subscriber = {
      joined: () => undefined,
      deliver: () => undefined,
      gap: () => undefined,
      get selector() {
        touched += 1;
        return selector;
      },
    };
    hub.attach(subscriber);
  }
  await pass(clock, 10); // all have joined
  const before = { touched, a: a.reads, b: b.reads };
  const [cell] = chain('r', ['v']);
  for (let nth = 0; nth < 100; nth += 1) {
    a.logged.push(changeOf(`written${nth}`, cell!));
    a.wake();
    await pass(clock, 4);
  }
  await pass(clock, 30);
  const woken = { a: a.reads - before.a, b: b.reads - before.b };
  hub.close();
  return { touched: touched - before.touched, judged: a.judged, woken };
}

test('what a put costs the feed is the same beside one idle subscription and beside ten thousand', async () => {
  const beside = await costBeside(10_000);
  expect(beside).toEqual(await costBeside(1));
  // Nobody is asked, and each change is looked up once. Its log is read every 25 ms, not for each put as without
  // `barrenGapMs`; the other replica's log is not read: without `wanted` in `Hub` it was, a hundred times, to
  // put in order what nobody follows.
  expect(beside).toMatchObject({ touched: 0, judged: 100 });
  expect(beside).toMatchObject({ woken: { a: 19, b: 0 } });
});

test('a thousand subscriptions that begin together look at a log once, and those that come meanwhile once more', async () => {
  const looks: number[] = [];
  let answer: () => void = () => undefined;
  const session = {
    recent: async (asked: readonly RecentAsked[]) => {
      looks.push(asked.length); // one at a time, without the waiting in `Recollections`
      await new Promise<void>((resolve) => (answer = resolve));
      return asked.map(({ range }) => ({
        changes: [changeOf(range.from, chain('r', ['v'])[0]!)],
        complete: true,
      }));
    },
  } as unknown as ChangeSession;
  const recollections = new Recollections({
    clock: handClock(),
    side: () => Promise.resolve(session),
    drop: () => undefined,
  });
  const ask = (key: string) =>
    recollections.of('a', {
      position: nowhere,
      range: { tenant: 't', keyspace: 'k', from: key, to: undefined },
      ageMs: 1,
    });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const first = Array.from({ length: 1000 }, (_, nth) => ask(`key${nth}`));
  await turn();
  await turn();
  const second = [ask('late'), ask('later')];
  answer();
  await turn();
  await turn();
  answer();
  const keys = (await Promise.all([...first, ...second])).map(({ changes }) => changes[0]?.key);
  expect(keys).toEqual([...Array.from({ length: 1000 }, (_, nth) => `key${nth}`), 'late', 'later']);
  expect(looks).toEqual([1000, 2]);
});

test('when a log cannot be looked at, all who waited for that hear it, and the next ones look again', async () => {
  let dropped = 0;
  const recollections = new Recollections({
    clock: handClock(),
    side: () => (dropped === 0 ? Promise.reject(new Error('away')) : Promise.resolve(well)),
    drop: () => (dropped += 1),
  });
  const well = {
    recent: () => Promise.resolve([{ changes: [], complete: true }]),
  } as unknown as ChangeSession;
  const range = { tenant: 't', keyspace: 'k', from: 'key', to: undefined };
  const ask = () => recollections.of('a', { position: nowhere, range, ageMs: 1 });
  const results = await Promise.allSettled([ask(), ask()]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(dropped).toBe(1);
  await expect(ask()).resolves.toEqual({ changes: [], complete: true });
});
