import { expect, test } from '@jest/globals';
import * as prom from 'prom-client';
import { Counter, Histogram } from '../../src/runtime/instruments.ts';

test('what is printed, and what workers tell the first process, is what prom-client would have told', async () => {
  const [ours, theirs] = [new prom.Registry(), new prom.Registry()];
  const counter = { name: 'calls_total', help: 'Calls', labelNames: ['a', 'b'] as const };
  const buckets = [0.1, 1, 10];
  const histogram = { name: 'seconds', help: 'Time', labelNames: ['a'] as const, buckets };
  const counters = [
    new Counter({ ...counter, registry: ours }),
    new prom.Counter({ ...counter, registers: [theirs] }),
  ];
  const histograms = [
    new Histogram({ ...histogram, registry: ours }),
    new prom.Histogram({ ...histogram, registers: [theirs] }),
  ];
  for (const one of counters) {
    one.inc({ a: 'x', b: 'y' });
    one.inc({ a: 'x', b: 'z' }, 2.5);
    one.inc({ a: 'x', b: 'y' });
    one.inc({ a: 'y', b: 'x' });
  }
  for (const one of histograms) {
    // On a bound, between two, and beyond all.
    for (const value of [0, 0.1, 0.5, 1, 10, 11]) one.observe({ a: 'x' }, value);
    one.observe({ a: 'y' }, 0.2);
  }
  expect(await ours.metrics()).toBe(await theirs.metrics());
  const told = await Promise.all([ours, theirs].map((one) => one.getMetricsAsJSON()));
  // As they arrive there: what cannot be copied, as a function, is not sent at all.
  const figures = told.map((one) => structuredClone(one));
  const added = figures.map((one) => prom.AggregatorRegistry.aggregate([one, one] as never));
  expect(await added[0]?.metrics()).toBe(await added[1]?.metrics());
});
