import { describe, expect, test } from '@jest/globals';
import { EventQueue } from '../../src/feed/event-queue.ts';

const limits = { lengthMax: 3, weightMax: 100 };
const item = (value: string, weight = 1) => ({ make: () => value, weight });

describe('the queue before a subscriber', () => {
  test('return() ends a next() that is waiting, and frees at once', async () => {
    let closed = 0;
    const queue = new EventQueue<string>(limits, () => closed++);
    const waiting = queue.next();
    await queue.return();
    expect(closed).toBe(1);
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(await queue.next()).toEqual({ value: undefined, done: true });
  });

  test('refuses what exceeds its length or its weight, and makes events only when they are taken', async () => {
    const queue = new EventQueue<string>(limits, () => undefined);
    expect([
      queue.push(item('a', 60)),
      queue.push(item('b', 60)),
      queue.push(item('c', 20)),
    ]).toEqual([true, false, true]);
    let made = 0;
    queue.push({ make: () => String(++made), weight: 1 });
    expect(queue.push(item('full'))).toBe(false);
    queue.replace(item('gap'));
    expect([made, queue.length]).toEqual([0, 1]);
    expect(await queue.next()).toEqual({ value: 'gap', done: false });
  });

  test('an error comes after what was queued before it', async () => {
    const queue = new EventQueue<string>(limits, () => undefined);
    queue.push(item('a'));
    queue.fail(new Error('broken'));
    expect(await queue.next()).toEqual({ value: 'a', done: false });
    await expect(queue.next()).rejects.toThrow('broken');
    expect((await queue.next()).done).toBe(true);
  });

  test('a producer that can wait waits for room, and for nothing after the end', async () => {
    const queue = new EventQueue<string>(limits, () => undefined);
    for (const value of ['a', 'b', 'c']) queue.push(item(value));
    let roomy = false;
    const room = queue.room().then(() => (roomy = true));
    await queue.next();
    await Promise.resolve();
    expect(roomy).toBe(false);
    await queue.next();
    await room;
    await queue.return();
    await queue.room();
  });
});
