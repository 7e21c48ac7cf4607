import { expect, test } from '@jest/globals';
import { AuditQueue } from '../../src/audit/audit-queue.ts';
import { recordOf, type AuditRecord } from '../../src/audit/audit-record.ts';
import { HandClock } from '../coordinator/hand-clock.ts';

const pace = { burst: 2, everyMs: 1_000, waitingMax: 3 };
const record = (reason: string, atMs = 1): AuditRecord =>
  recordOf(
    { tenant: 'shop', actor: 'qk_1', role: 'READER' },
    { action: 'Mutation.put', target: { reason }, outcome: 'FORBIDDEN' },
    atMs,
  );
const countIn = (taken: readonly { record: AuditRecord }[]): number =>
  taken.reduce((sum, one) => sum + one.record.count, 0);

test('what is the same is one record, with a count, the first and the last time', () => {
  const queue = new AuditQueue(new HandClock(), pace);
  const isFirst = [5, 3, 9].map((atMs) => queue.add('shop', record('a', atMs)));
  expect(isFirst).toEqual([true, false, false]);
  expect(queue.take()).toEqual([
    { stream: 'shop', record: { ...record('a'), count: 3, atMs: 3, lastMs: 9 } },
  ]);
  expect(queue.take()).toEqual([]);
});

// The guard: the pace in `take`, and the room in `add`; without either a flood fills the log.
test('a flood of different refusals becomes a few records, and none of them is lost', async () => {
  const clock = new HandClock();
  const queue = new AuditQueue(clock, pace);
  for (let i = 0; i < 10_000; i++) queue.add('shop', record(`reason ${i}`));
  const taken = [...queue.take()];
  expect(taken).toHaveLength(2);
  expect(queue.take()).toEqual([]);
  for (let second = 0; second < 3; second++) {
    await clock.advance(1_000);
    const more = queue.take();
    expect(more.length).toBeLessThanOrEqual(1);
    taken.push(...more);
  }
  expect([taken.length, countIn(taken)]).toEqual([4, 10_000]);
  expect(taken.at(-1)?.record).toMatchObject({ actor: 'various', action: 'various', target: {} });
});

test('a stream that is flooded holds up no other', () => {
  const queue = new AuditQueue(new HandClock(), pace);
  for (let i = 0; i < 100; i++) queue.add('loud', record(`reason ${i}`));
  queue.add('quiet', record('a'));
  expect(queue.take().map(({ stream }) => stream)).toEqual(['loud', 'loud', 'quiet']);
});

test('what could not be written is there again, and has cost nothing', () => {
  const queue = new AuditQueue(new HandClock(), pace);
  queue.add('shop', record('a'));
  for (const { stream, record: taken } of queue.take()) queue.putBack(stream, taken);
  queue.add('shop', record('a'));
  queue.add('shop', record('b'));
  const taken = queue.take();
  expect([taken.length, countIn(taken)]).toEqual([2, 3]);
});

test('what a client may have put into a record is cut', () => {
  const long = 'x'.repeat(5_000);
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`name${i}`, long]));
  const made = recordOf(
    { tenant: 't', actor: long },
    { action: long, target: many, outcome: 'OK' },
    1,
  );
  expect(JSON.stringify(made).length).toBeLessThan(3_000);
});
