import { expect, test } from '@jest/globals';
import { Bookmarks } from '../../src/feed/bookmarks.ts';
import { handClock } from './hand-clock.ts';

test('ten thousand quiet subscriptions take one timer, and each says where it stands after its period', () => {
  const clock = handClock();
  const bookmarks = new Bookmarks(clock, 30_000);
  const told: number[] = [];
  for (let nth = 0; nth < 10_000; nth += 1) {
    if (nth % 10 === 0) clock.pass(1);
    const at = clock.monotonicMs();
    bookmarks.after(() => told.push(clock.monotonicMs() - at));
    expect(clock.timers).toBe(1); // one each, without the turns
  }
  clock.pass(29_000);
  expect(told).toEqual([]);
  clock.pass(2_000);
  expect(told).toHaveLength(10_000);
  expect(Math.min(...told)).toBeGreaterThanOrEqual(30_000);
  expect(Math.max(...told)).toBeLessThanOrEqual(30_201);
  // Every turn is one wake-up: a tenth of a second of beginnings. Without them there were 1,000.
  expect(clock.fired).toBeLessThanOrEqual(12);
  expect(clock.timers).toBe(0);
});

test('what is over is told no more, and the last one takes the timer away', () => {
  const clock = handClock();
  const bookmarks = new Bookmarks(clock, 300);
  const told: string[] = [];
  const stop = bookmarks.after(() => told.push('a'));
  clock.pass(1);
  const stopToo = bookmarks.after(() => told.push('b'));
  stop();
  expect(clock.timers).toBe(1);
  clock.pass(400);
  expect(told).toEqual(['b']);
  stopToo(); // it is over already
  bookmarks.after(() => told.push('c'))();
  expect(clock.timers).toBe(0);
});
