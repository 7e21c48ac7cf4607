import { expect, test } from '@jest/globals';
import type { Connection } from '../../src/replica/postgres/connection.ts';
import { WakeUps } from '../../src/replica/postgres/wake-ups.ts';
import { handClock } from '../feed/hand-clock.ts';

/** Statements sent and questions asked in each second of a steady flow of writes. */
async function sentWhile(isHeard: (atMs: number) => boolean, seconds: number) {
  const clock = handClock();
  const counts: { sent: number; asked: number }[] = [];
  let count = { sent: 0, asked: 0 };
  const wakeUps = new WakeUps(clock, (wake) => {
    const [asks] = wake.values([undefined], {} as Connection) as [boolean];
    count.sent += 1;
    if (asks) count.asked += 1;
    const heard = isHeard(clock.monotonicMs());
    const [reply] = wake.replies([['', asks ? heard : null]], [undefined]);
    return Promise.resolve(reply as boolean | undefined);
  });
  for (let second = 0; second < seconds; second += 1) {
    for (let ms = 0; ms < 1_000; ms += 1) {
      wakeUps.written();
      clock.pass(1);
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
    }
    counts.push(count);
    count = { sent: 0, asked: 0 };
  }
  wakeUps.stop();
  expect(clock.timers).toBe(0);
  return counts;
}

test('while nobody reads the log, it is told four times a second that something was written', async () => {
  const [first, second] = await sentWhile(() => false, 2);
  expect(first!.sent).toBeLessThanOrEqual(6); // a hundred, without `#notBeforeMs`
  expect(second!.sent).toBeLessThanOrEqual(5);
  expect(second!.sent).toBeGreaterThanOrEqual(3);
});

test('who reads it is told every ten milliseconds, from a quarter of a second on, and is counted once a second', async () => {
  const counts = await sentWhile((atMs) => atMs > 1_000, 4);
  expect(counts[1]!.sent).toBeGreaterThan(65);
  expect(counts[3]!.sent).toBeGreaterThan(80);
  expect(counts[3]!.asked).toBeLessThanOrEqual(2); // each time, without `#heardUntilMs`
});
