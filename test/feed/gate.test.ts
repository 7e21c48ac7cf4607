import { expect, test } from '@jest/globals';
import { Gate } from '../../src/feed/gate.ts';

test('a gate lets so many tasks run at once and no more, in the order they came, also past failures', async () => {
  const gate = new Gate(2);
  const order: number[] = [];
  let [running, most] = [0, 0];
  const task = (n: number) => async (): Promise<number> => {
    order.push(n);
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    if (n === 1) throw new Error('one');
    return n;
  };
  const results = await Promise.allSettled([0, 1, 2, 3, 4].map((n) => gate.pass(task(n))));
  expect(results.map(({ status }) => status === 'fulfilled')).toEqual([
    true,
    false,
    true,
    true,
    true,
  ]);
  expect([most, order]).toEqual([2, [0, 1, 2, 3, 4]]);
});
