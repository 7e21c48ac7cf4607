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
  isWoken = true;
  /** Each time that somebody said whether he is to be woken. */
  readonly told: boolean[] = [];
  wake: () => void = () => undefined;

  constructor(id: string) {
    this.id = id;
  }

  open({ onWake }: { onWake?: (() => void) | undefined }): Promise<ChangeSession> {
    this.wake = () => {
      if (this.isWoken) onWake?.();
    };
    return Promise.resolve({
      head: () => Promise.resolve(nowhere),
      read: (position, { wanted = () => true }) => {
        this.reads += 1;
        const rows = this.logged.splice(0);
        this.judged += rows.length;
        const changes = rows.filter(wanted);
        const next = rows.length === 0 ? position : { ...nowhere, seen: `${this.judged}` };
        return Promise.resolve({ kind: 'page', changes, position: next, more: false } as const);
      },
      recent: () => Promise.resolve([]),
      since: () => Promise.resolve(nowhere),
      listen: (isWoken) => {
        this.isWoken = isWoken;
        this.told.push(isWoken);
        return Promise.resolve();
      },
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

/** A hub that follows one key of one log, and what it was told of it. */
async function following(key: string) {
  const clock = handClock();
  const log = new CountedLog('a');
  const hub = new Hub({ clock, random: systemRandom, log: silentLog, sources: () => [log] });
  const heard: string[] = [];
  hub.attach({
    selector: { tenant: 't', keyspace: 'k', key, from: key, to: `${key}\u0001` },
    joined: () => undefined,
    deliver: (_, change) => void heard.push(change.key),
    gap: () => undefined,
  });
  await pass(clock, 10);
  const [cell] = chain('r', ['v']);
  /** One change after the other, so many ms apart. */
  const write = async (name: string, times: number, apartMs: number): Promise<void> => {
    for (let nth = 0; nth < times; nth += 1) {
      log.logged.push(changeOf(name, cell!));
      log.wake();
      await pass(clock, apartMs);
    }
  };
  return { clock, log, hub, heard, write };
}

test('amid a flood of what nobody follows a log is not woken for, and what is followed comes 25 ms later at most', async () => {
  const { log, hub, heard, write } = await following('mine');
  await write('others', 200, 4);
  expect(log.told).toEqual([false]); // without `Rest` it is woken for each of them
  const reads = log.reads;
  await write('others', 100, 4);
  expect(log.reads - reads).toBeLessThanOrEqual(17);
  for (let round = 0; round < 5; round += 1) {
    heard.splice(0);
    await write('mine', 1, 28); // 25 and a turn or two
    expect(heard).toEqual(['mine']);
    await write('others', 20, 4);
  }
  expect(log.told).toEqual([false]);
  hub.close();
});

test('when the flood is over it is woken again, and reads by itself until everybody knows', async () => {
  const { clock, log, hub, heard, write } = await following('mine');
  await write('others', 200, 4);
  await pass(clock, 400);
  expect(log.told).toEqual([false, true]); // never, without `stillMax`
  log.isWoken = false; // as long as the writers do not know: without `watchMs` it comes after 500 ms
  await write('mine', 1, 28);
  expect(heard).toEqual(['mine']);
  log.isWoken = true;
  await pass(clock, 1_000);
  const reads = log.reads;
  await pass(clock, 5_000);
  expect(log.reads - reads).toBeLessThan(15); // every half second
  await write('mine', 1, 8);
  expect(heard).toEqual(['mine', 'mine']);
  hub.close();
});

test('a log that is written now and then, or for those who follow it, is woken for', async () => {
  const rarely = await following('mine');
  await rarely.write('others', 40, 100);
  expect(rarely.log.told).toEqual([]); // without `futileWithinMs` it is read 40 times a second instead of 10
  const followed = await following('mine');
  await followed.write('mine', 200, 4);
  expect(followed.log.told).toEqual([]);
  expect(followed.heard.length).toBe(200);
  await followed.write('others', 100, 4);
  expect(followed.log.told).toEqual([false]);
  await followed.write('mine', 50, 4);
  expect(followed.log.told).toEqual([false, true]); // read every 3 ms for itself, without `fruitfulMax`
  for (const { hub } of [rarely, followed]) hub.close();
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
