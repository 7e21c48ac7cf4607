import type { Scenario } from '../scenario.ts';
import { contend, linearizable } from './linearizable.ts';

/**
 * As `linearizable`, and nearly all is asked of one gateway: it writes key after key without a prepare, on promises that came
 * with its last accepts, while others come in between now and then, replicas forget, and links are bad.
 */
export const linearizableAlone: Scenario = {
  ...linearizable,
  name: 'linearizable-alone',
  promise: 'LINEARIZABLE, of promises that came with an accept',
  setting: {
    gateways: 3,
    weather: { loss: 0.04, tail: 0.25, nearMs: 8, farMs: 300, duplicate: 0.05 },
    requestMs: 700,
    identity: { settleMs: 1_000, callMs: 400 },
  },
  faults: {
    crash: 1,
    freeze: 1,
    isolate: 1,
    oneWay: 2,
    gatewayCrash: 1,
    newDisk: 1,
    oldDisk: 1,
    everyMs: 450,
    lastMs: 250,
  },
  repairEveryMs: 30,
  repairLoops: 2,
  clients: (world) =>
    Promise.all([
      ...Array.from({ length: 4 }, () => contend(world, 30, { places: [0], count: 24 })),
      ...Array.from({ length: 2 }, () => contend(world, 100, { places: [1, 2], count: 10 })),
    ]),
};
